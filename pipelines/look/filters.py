"""What the commands that look are limited to, as conditions of SQL with their values beside them: a value is never
written into a query.
"""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from models.errors import ConfigurationError
from pipelines.look.dates import period

STATES: Final = ("present", "partial", "expired", "named_only")
"""The states of a session, as `sessions.state` has them."""

Value = str | datetime


@dataclass(frozen=True, slots=True)
class Conditions:
    """A condition of SQL, `true` where nothing is asked for, and the values of its question marks."""

    sql: str
    values: tuple[Value, ...] = ()

    def __and__(self, other: "Conditions") -> "Conditions":
        """Return the condition that both hold."""
        return Conditions(f"({self.sql}) AND ({other.sql})", (*self.values, *other.values))


EVERYTHING: Final = Conditions("true")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; a field that is None limits nothing. `since` and `until` are dates as people write them."""

    project: str | None = None
    since: str | None = None
    until: str | None = None
    touched: str | None = None
    tool: str | None = None
    model: str | None = None
    state: str | None = None
    home: str | None = None

    def of_sessions(self) -> Conditions:
        """Return the condition on a row of `sessions`, there called `s`. Raises ConfigurationError for a value that
        means nothing.
        """
        made = self._common("s.project", "s.home_id", "s.ended_at", "s.started_at")
        if self.state is not None:
            if self.state not in STATES:
                raise ConfigurationError(f"there is no state {self.state!r}; there are {', '.join(STATES)}")
            made &= Conditions("s.state = ?", (self.state,))
        if self.model is not None:
            made &= Conditions(
                "list_contains(list_transform(s.models, m -> contains(m, lower(?))), true)", (self.model,)
            )
        if self.tool is not None:
            made &= _has_call("lower(t.tool_name) LIKE lower(?) ESCAPE '!'", like(self.tool))
        if self.touched is not None:
            path = "coalesce(t.input ->> '$.file_path', t.input ->> '$.notebook_path', t.input ->> '$.path')"
            made &= _has_call(f"contains(replace({path}, chr(92), '/'), ?)", self.touched.replace("\\", "/"))
        return made

    def of_usage(self) -> Conditions:
        """Return the condition on a row of `token_usage`, there called `u`."""
        made = self._common("u.project", None, "u.responded_at", "u.responded_at")
        if self.home is not None:
            made &= Conditions("list_contains(u.home_ids, ?)", (self.home,))
        if self.model is not None:
            made &= Conditions("contains(u.model_id, lower(?))", (self.model,))
        return made

    def of_places(self) -> Conditions:
        """Return the condition on a hit, there called `p`, of a session `s`. Raises ConfigurationError as above."""
        made = replace(self, since=None, until=None, home=None).of_sessions()
        if self.home is not None:
            made &= Conditions("p.home_id = ?", (self.home,))
        if self.since is not None:
            made &= Conditions("p.found_at >= ?", (period(self.since).start,))
        if self.until is not None:
            made &= Conditions("p.found_at < ?", (period(self.until).end,))
        return made

    def _common(self, project: str, home: str | None, last: str, first: str) -> Conditions:
        made = EVERYTHING
        if self.project is not None:
            made &= project_condition(project, self.project)
        if home is not None and self.home is not None:
            made &= Conditions(f"{home} = ?", (self.home,))
        if self.since is not None:
            made &= Conditions(f"{last} >= ?", (period(self.since).start,))
        if self.until is not None:
            made &= Conditions(f"{first} < ?", (period(self.until).end,))
        return made


def project_condition(column: str, given: str) -> Conditions:
    """Return the condition that a project is the one at a path or below it (where `given` is one: `.`, `~/x`, `/x`), or
    that `given` stands in its name, in whatever case.
    """
    if given in (".", "..") or given.startswith(("~", "./", "../", "/")):
        path = os.path.abspath(Path(given).expanduser())
        return Conditions(f"({column} = ? OR starts_with({column}, ?))", (path, f"{path.rstrip('/')}/"))
    return Conditions(f"contains(lower({column}), lower(?))", (given,))


def like(pattern: str) -> str:
    """Return the pattern of LIKE (with `!` to escape) for a name in which `*` stands for anything."""
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return escaped.replace("*", "%")


def _has_call(condition: str, value: str) -> Conditions:
    return Conditions(
        f"EXISTS (SELECT 1 FROM tool_calls t WHERE t.session_id = s.session_id AND {condition})",
        (value,),
    )
