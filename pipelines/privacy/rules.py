"""The rules of privacy: which content has which level. Rules come from settings.toml (`[[privacy]]`) and from the
command `extract privacy set`.

The most private of all rules that apply wins, so no order matters and no rule can open what another one closes. Without
a rule content is private.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Final

import orjson

from models.errors import ConfigurationError, StoreError
from models.json import JsonObject, JsonValue
from pipelines.disk.atomic import read_sealed, write_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.settings import PRIVACY_KEYS, PRIVACY_LEVELS, read_settings

EPHEMERAL, PRIVATE, TEAM, PUBLIC = PRIVACY_LEVELS
_NOT_ENCODED: Final = re.compile(r"[^A-Za-z0-9*?\[\]]")


def rank(level: str) -> int:
    """Return how open a level is, from 0 (ephemeral). Raises ConfigurationError for an unknown level."""
    if level not in PRIVACY_LEVELS:
        raise ConfigurationError(f"{level!r} is no privacy level: use {', '.join(PRIVACY_LEVELS)}")
    return PRIVACY_LEVELS.index(level)


@dataclass(frozen=True, slots=True)
class PrivacyRule:
    """A rule: a level and its conditions, all of which must apply: a project (its path, or a directory above it), a
    file's path below its home, a tag of a session, a home, a session (the beginning of its id). Patterns have `*`, `?`
    and `[…]`. `origin` names the place where the rule was written.
    """

    level: str
    project: str | None = None
    path: str | None = None
    tag: str | None = None
    home: str | None = None
    session: str | None = None
    origin: str = "settings.toml"

    @property
    def shown(self) -> str:
        """The rule in words."""
        named = ((name, getattr(self, name)) for name in PRIVACY_KEYS)
        return f"{self.level}: " + ", ".join(f"{name} {value}" for name, value in named if value is not None)

    def applies_to(
        self, *, directory: str | None, path: str | None, tags: Iterable[str], home: str, session: str | None
    ) -> bool:
        """Whether the rule applies to a directory of a session, or to a file."""
        return (
            (self.project is None or (directory is not None and is_below(directory, self.project)))
            and (self.path is None or (path is not None and fnmatchcase(path, self.path)))
            and (self.tag is None or any(fnmatchcase(tag, self.tag) for tag in tags))
            and (self.home is None or fnmatchcase(home, self.home))
            and (self.session is None or (session is not None and session.startswith(self.session)))
        )

    def may_be_directory(self, encoded: str) -> bool:
        """Whether the name of a directory below projects/ may be that of a project of this rule. Several projects share
        one such name: each character but letters and digits is written as `-` there.
        """
        if self.project is None:
            return False
        pattern = _NOT_ENCODED.sub("-", self.project.rstrip("/"))
        return fnmatchcase(encoded, pattern) or fnmatchcase(encoded, f"{pattern}-*")

    def to_json(self) -> JsonObject:
        """Return the conditions as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def is_below(directory: str, pattern: str) -> bool:
    """Whether a pattern matches a directory or one above it."""
    bare = pattern.rstrip("/") or pattern
    return fnmatchcase(directory, bare) or fnmatchcase(directory, f"{bare}/*") or fnmatchcase(directory, f"{bare}\\*")


def rule_of(value: JsonValue, origin: str) -> PrivacyRule:
    """Return the rule of a JSON object. Raises ConfigurationError for an invalid one."""
    if not isinstance(value, dict) or not value.keys() <= {"level", "origin", *PRIVACY_KEYS}:
        raise ConfigurationError(f"a rule of privacy has level and one or more of {', '.join(PRIVACY_KEYS)}")
    texts = {name: one for name, one in value.items() if isinstance(one, str) and one and name != "origin"}
    rank(texts.get("level", ""))
    if not texts.keys() & set(PRIVACY_KEYS):
        raise ConfigurationError(f"a rule of privacy names one or more of {', '.join(PRIVACY_KEYS)}")
    return PrivacyRule(**texts, origin=origin)


def read_rules(layout: Layout) -> list[PrivacyRule]:
    """Return all rules: those of settings.toml, then those set by command. Raises ConfigurationError, StoreError."""
    given = [rule_of(dict(one), "settings.toml") for one in read_settings(layout).privacy]
    return [*given, *_set_rules(layout)]


def _set_rules(layout: Layout) -> list[PrivacyRule]:
    try:
        held = orjson.loads(read_sealed(layout.privacy_file))
        return [rule_of(one, "extract privacy set") for one in held["rules"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{layout.privacy_file} cannot be read ({error}): put it back from a backup") from error


def set_rule(layout: Layout, rule: PrivacyRule) -> None:
    """Add a rule; one for the same is replaced. Raises ConfigurationError for a rule that names nothing, OSError."""
    rule_of(rule.to_json(), rule.origin)
    _write(layout, [*(one for one in _set_rules(layout) if not _same_target(one, rule)), rule])


def unset_rule(layout: Layout, rule: PrivacyRule) -> bool:
    """Remove the rule that was set for the same; return whether there was one. Raises OSError."""
    before = _set_rules(layout)
    after = [one for one in before if not _same_target(one, rule)]
    if len(after) < len(before):
        _write(layout, after)
    return len(after) < len(before)


def _same_target(one: PrivacyRule, other: PrivacyRule) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in PRIVACY_KEYS)


def _write(layout: Layout, rules: Sequence[PrivacyRule]) -> None:
    fields = {"rules": [one.to_json() for one in rules]}
    write_sealed(layout.privacy_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "privacy")
