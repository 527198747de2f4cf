"""`extract retention`: deletes from the archive, by rules of settings.toml, old files that are gone from their homes.

It is carried out as an erasure (`pipelines.forget.forget`), but it is not one: its purpose is room, not privacy. So the
tombstone has the rules and the amounts and recognises nothing, imported stores stay, and a file that comes back to a
home is read as any new file. A file that its home still has is never deleted: the next run would bring it back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from extractors.reading.registry import OTHER, sources
from models.amounts import plural
from models.errors import ConfigurationError
from models.json import JsonObject
from models.manifest import FileState, modified_at
from models.observer import Observer
from pipelines.archive.homes import known_homes
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.forget.find import ErasureQuery
from pipelines.forget.forget import ErasurePlan, ErasureResult, forget, plan_query
from pipelines.forget.matcher import Matcher


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Files of a source, in one home or in all, go when they were last changed more than so many days ago."""

    source: str
    days: int
    home_id: str | None = None

    def __str__(self) -> str:
        where = f" of {self.home_id}" if self.home_id is not None else ""
        return f"{self.source}{where}: over {plural(self.days, 'day')}"

    def applies_to(self, state: FileState, now: datetime) -> bool:
        """Whether a file is of this source and home, and old enough at `now` (UTC)."""
        is_its = state.source == self.source and self.home_id in (None, state.home_id)
        return is_its and now - modified_at(state.mtime_ns) > timedelta(days=self.days)


@dataclass(slots=True)
class RuleShare:
    """The files to which a rule applies: their number and bytes, of which those in `in_home` stay because their homes
    had them at the last run. `oldest` is the earliest last change of those that go (UTC, ISO 8601).
    """

    rule: RetentionRule
    files: int = 0
    size: int = 0
    in_home: int = 0
    oldest: str | None = None


@dataclass(slots=True)
class RetentionPlan:
    """The files that a retention would delete: by rule, and as the plan of an erasure; None when no file may go."""

    shares: Sequence[RuleShare]
    erasure: ErasurePlan | None

    @property
    def files(self) -> int:
        """The number of files that go."""
        return sum(share.files for share in self.shares)

    @property
    def size(self) -> int:
        """The bytes of these files, as they were in their homes."""
        return sum(share.size for share in self.shares)

    def to_json(self) -> JsonObject:
        """Return the plan as JSON values."""
        rules: JsonObject = {"rules": [asdict(share) for share in self.shares]}
        erasure = self.erasure.to_json() if self.erasure is not None else {"paths": []}
        return {**rules, "files": self.files, "bytes": self.size, "paths": erasure["paths"]}


def retention_rules(layout: Layout) -> list[RetentionRule]:
    """Return the rules in settings.toml. Raises ConfigurationError for one with an unknown source or home."""
    known, homes = sources().keys() | {OTHER}, known_homes(layout).keys()
    made = []
    for one in read_settings(layout).retention:
        source, home_id = str(one["source"]), str(one["home"]) if "home" in one else None
        if source not in known:
            raise ConfigurationError(f"retention: there is no source {source!r}; the sources are {_named(known)}")
        if home_id is not None and home_id not in homes:
            raise ConfigurationError(f"retention: there is no home {home_id!r}; the homes are {_named(homes)}")
        made.append(RetentionRule(source, int(one["days"]), home_id))
    return made


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def plan_retention(layout: Layout, now: datetime, observer: Observer) -> RetentionPlan:
    """Return the files that the rules delete at `now` (UTC). Changes nothing. A file counts under the first rule that
    applies.

    Raises ConfigurationError for wrong rules and when there is no archive, FixityError for unreadable files.
    """
    shares = [RuleShare(rule) for rule in retention_rules(layout)]
    found: set[tuple[str, bytes]] = set()
    for state in StoreReader.open(layout).files():
        share = next((share for share in shares if share.rule.applies_to(state, now)), None)
        if share is None or state.entry_type != "file" or state.file_id is None:
            continue
        if state.is_present:
            share.in_home += 1
            continue
        share.files += 1
        share.size += state.size
        changed = modified_at(state.mtime_ns).astimezone(UTC).isoformat(timespec="seconds")
        share.oldest = min(share.oldest or changed, changed)
        found.add((state.home_id, state.path_bytes))
    if not found:
        return RetentionPlan(shares, None)
    wanted = ErasureQuery(Matcher(), files=found, is_by_age=True)
    return RetentionPlan(shares, plan_query(layout, "retention", wanted, observer))


def retain(layout: Layout, planned: RetentionPlan, observer: Observer) -> ErasureResult | None:
    """Carry out a plan; return None if there is no file to delete. Raises as `forget` does, and may be killed as that
    may.
    """
    if planned.erasure is None:
        return None
    rules = "; ".join(str(share.rule) for share in planned.shares if share.files)
    return forget(layout, planned.erasure, observer, reason=rules)
