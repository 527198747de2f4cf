"""The filters of the query commands (project, dates, tool, model …) as SQL conditions with separate values: values are
always bound as parameters, never put into the SQL text.
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
    """An SQL condition or query, by default `true`, and the values of its question marks."""

    sql: str
    values: tuple[Value, ...] = ()

    def __and__(self, other: "Conditions") -> "Conditions":
        """Return the conjunction of both conditions."""
        return Conditions(f"({self.sql}) AND ({other.sql})", (*self.values, *other.values))


EVERYTHING: Final = Conditions("true")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a command; None means no filter. `since` and `until` are texts for `pipelines.look.dates`."""

    project: str | None = None
    since: str | None = None
    until: str | None = None
    touched: str | None = None
    tool: str | None = None
    model: str | None = None
    state: str | None = None
    home: str | None = None

    def of_sessions(self) -> Conditions:
        """Return the condition on a row of `sessions`, with the alias `s`. Raises ConfigurationError for an invalid
        value.
        """
        made = self._common("s.project", "s.home_id", "s.ended_at", "s.started_at")
        if self.state is not None:
            if self.state not in STATES:
                raise ConfigurationError(f"there is no state {self.state!r}; there are {', '.join(STATES)}")
            made &= Conditions("s.state = ?", (self.state,))
        if self.model is not None:
            made &= Conditions("list_contains([contains(m, lower(?)) FOR m IN s.models], true)", (self.model,))
        if self.tool is not None:
            made &= _has_call("lower(t.tool_name) LIKE lower(?) ESCAPE '!'", like(self.tool))
        if self.touched is not None:
            path = "coalesce(t.input ->> '$.file_path', t.input ->> '$.notebook_path', t.input ->> '$.path')"
            made &= _has_call(f"contains(replace({path}, chr(92), '/'), ?)", self.touched.replace("\\", "/"))
        return made

    def of_usage(self) -> Conditions:
        """Return the condition on a row of `token_usage`, with the alias `u`."""
        made = self._common("u.project", None, "u.responded_at", "u.responded_at")
        if self.home is not None:
            made &= Conditions("list_contains(u.home_ids, ?)", (self.home,))
        if self.model is not None:
            made &= Conditions("contains(u.model_id, lower(?))", (self.model,))
        return made

    def of_places(self) -> Conditions:
        """Return the condition on a search hit, with the alias `p`, and its session `s`. Raises ConfigurationError for
        an invalid value.
        """
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
    """Return the condition that a project is at or below a path, if `given` is one (`.`, `~/x`, `/x`), else that its
    name contains `given`, ignoring case.
    """
    if given in (".", "..") or given.startswith(("~", "./", "../", "/")):
        path = os.path.abspath(Path(given).expanduser())
        return Conditions(f"({column} = ? OR starts_with({column}, ?))", (path, f"{path.rstrip('/')}/"))
    return Conditions(f"contains(lower({column}), lower(?))", (given,))


def like(pattern: str) -> str:
    """Return the LIKE pattern (with `!` as the escape character) for a name with `*` as a wildcard."""
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return escaped.replace("*", "%")


def _has_call(condition: str, value: str) -> Conditions:
    return Conditions(
        f"EXISTS (SELECT 1 FROM tool_calls t WHERE t.session_id = s.session_id AND {condition})",
        (value,),
    )
