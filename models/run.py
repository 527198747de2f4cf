"""A run: its id, its commit record (run.json), and which runs are in effect after rollbacks."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from models.json import JsonObject, JsonValue

RunStatus = Literal["open", "complete", "removed", "lost"]
"""An open run was stopped after committing the phases that it lists. A removed run had been undone, and gc has deleted
its files: only its place in the order of runs remains. A lost run's record and files are gone, and `extract repair` has
put this record into its place.
"""

RunKind = Literal["run", "rollback", "reparse"]
"""A rollback reads no home: it makes the state as of another run the current one. A reparse reads no home either: it
parses the files in the store again.
"""

_SECOND = "%Y%m%dT%H%M%SZ"

RUN_ID: Final = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}"
"""The pattern of a run_id."""


def new_run_id(now: datetime, last: str = "") -> str:
    """Return a run_id: `now` in UTC to the second, and six random hex digits. It sorts after `last`, the greatest id so
    far: in the same second, or while the clock is behind it, the digits of `last` are counted up.
    """
    made = f"{now.astimezone(UTC):{_SECOND}}-{secrets.token_hex(3)}"
    if made > last:
        return made
    second, _, digits = last.partition("-")
    counted = int(digits, 16) + 1
    if counted < 16**6:
        return f"{second}-{counted:06x}"
    next_second = datetime.strptime(second, _SECOND).replace(tzinfo=UTC) + timedelta(seconds=1)
    return f"{next_second:{_SECOND}}-000000"


def is_run_id(name: str) -> bool:
    """Return whether a name has the form of a run_id."""
    return re.fullmatch(RUN_ID, name) is not None


MANIFEST_TABLE: Final = "manifest"
IMPORTED_TABLE: Final = "imported_messages"
"""The names of two of `models.tables`: here, where naming them imports no Arrow."""


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A committed Parquet file: path below the data directory, table, rows, size in bytes, SHA-256."""

    path: str
    table: str
    rows: int
    size: int
    sha256: str


@dataclass(slots=True)
class SourceCounts:
    """The counts of one source in one phase of one run over one home."""

    files_found: int = 0
    files_read: int = 0
    files_unchanged: int = 0
    files_vanished: int = 0
    files_withheld: int = 0
    files_listed: int = 0
    files_unreadable: int = 0
    bytes_found: int = 0
    bytes_read: int = 0
    bytes_kept_new: int = 0
    entries: int = 0
    entries_with_rows: int = 0
    rejects: int = 0
    padding_bytes: int = 0
    tail_bytes: int = 0
    rows: int = 0
    messages_new: int = 0
    messages_duplicate: int = 0


@dataclass(frozen=True, slots=True)
class RetiredRecord:
    """A part that `extract repair` has taken out of a phase, because it was damaged and no intact copy was found: path
    below the data directory, table, rows, SHA-256, the damage, and when it was retired (UTC, ISO 8601).
    """

    path: str
    table: str
    rows: int
    sha256: str
    problem: str
    retired_at: str


@dataclass(slots=True)
class PhaseRecord:
    """One committed phase of one home. `parsers` has the digest of the parser of each source (`parser_digests`);
    records of older versions have none. The parts in `retired` were lost: the counts no longer hold.
    """

    home_id: str
    phase: int
    committed_at: str
    seconds: float
    parts: list[PartRecord]
    sources: dict[str, SourceCounts]
    outcomes: dict[str, int]
    rejects: dict[str, int]
    in_the_way: dict[str, str] = field(default_factory=dict)
    """Paths of expected files at which an entry of another kind is, each with the rule that applies."""
    parsers: dict[str, str] = field(default_factory=dict)
    retired: list[RetiredRecord] = field(default_factory=list)


@dataclass(slots=True)
class ReparseCounts:
    """The result of parsing one source again: the parser, the number of files, their rows before and after, and the
    number of files that kept their rows, because a part of them was erased or the store cannot return their bytes.
    """

    parser: str
    files: int = 0
    rows_before: int = 0
    rows_after: int = 0
    files_left: int = 0


@dataclass(frozen=True, slots=True)
class TextRecord:
    """A text file of a run for `sha256sum -c`: path below the data directory, size in bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WarehouseRecord:
    """The warehouse that a run published: path below the data directory, size in bytes, SHA-256. `quarantined` counts
    the rows of its table `rejects`: the entries in quarantine of all runs; None in records of older versions. `edition`
    is the digest of its tables' and views' definitions, `xxh3` the XXH3-128 of the file, which is computed far faster
    than its SHA-256; both are empty in records of older versions.
    """

    path: str
    size: int
    sha256: str
    quarantined: int | None = None
    edition: str = ""
    xxh3: str = ""


@dataclass(frozen=True, slots=True)
class DamageRecord:
    """A file that a run found damaged: path below the data directory, table (empty unless it is a part), the run that
    committed it, and the problem, worded to follow the path in a sentence. `mended`: the run restored it.
    """

    path: str
    table: str
    run_id: str
    problem: str
    mended: bool = False


@dataclass(slots=True)
class RunRecord:
    """The commit record. `epoch` counts the runs of an archive; a run of an older epoch cannot commit.

    `homes` are directories by home_id. `homes_not_found` has the reason for each known home that this run did not find,
    by home_id. `appeared` are paths by home_id that were created during the run. `settings_sha256` is the SHA-256 of
    settings.toml, None without that file; `settings_changes` has a sentence for each change of it since the run before.
    `back_to` is the run to whose state a rollback went back; a rollback has no phases and no homes. `damage` are parts
    of earlier runs that were damaged when the run began. `reparsed` are the results of a reparse by source; a run also
    has those of the reparse just before it, to report them. `revision` counts how often the record was written: of two
    versions of it, the one with the lower number is the older one.
    """

    run_id: str
    epoch: int
    status: RunStatus
    started_at: str
    finished_at: str | None
    tool_version: str
    is_full: bool
    homes: dict[str, str]
    homes_not_found: dict[str, str] = field(default_factory=dict)
    phases: list[PhaseRecord] = field(default_factory=list)
    appeared: dict[str, list[str]] = field(default_factory=dict)
    texts: list[TextRecord] = field(default_factory=list)
    settings_sha256: str | None = None
    settings_changes: list[str] = field(default_factory=list)
    warehouse: WarehouseRecord | None = None
    step_seconds: dict[str, float] = field(default_factory=dict)
    damage: list[DamageRecord] = field(default_factory=list)
    kind: RunKind = "run"
    back_to: str | None = None
    reparsed: dict[str, ReparseCounts] = field(default_factory=dict)
    revision: int = 0
    format: int = 1

    @property
    def left_damaged(self) -> list[DamageRecord]:
        """The damaged files that the run could not restore."""
        return [one for one in self.damage if not one.mended]

    def to_json(self) -> JsonObject:
        """Return the record as JSON values."""
        made: JsonObject = asdict(self)
        return made

    @classmethod
    def from_json(cls, value: JsonValue) -> "RunRecord":
        """Return the record that `to_json` wrote. Raises KeyError or TypeError for another value."""
        if not isinstance(value, dict):
            raise TypeError("a commit record is an object")
        fields = dict(value)
        phases, texts, warehouse = fields.pop("phases"), fields.pop("texts", []), fields.pop("warehouse")
        damage, reparsed = fields.pop("damage", []), fields.pop("reparsed", {})
        if not isinstance(phases, list) or not isinstance(texts, list) or not isinstance(damage, list):
            raise TypeError("phases, texts and damage are lists")
        if not isinstance(reparsed, dict):
            raise TypeError("reparsed is an object")
        record = cls(**fields)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names
        record.phases = [_phase_of(phase) for phase in phases]
        record.texts = [TextRecord(**text) for text in texts]  # type: ignore[arg-type]
        record.damage = [DamageRecord(**one) for one in damage]  # type: ignore[arg-type]
        record.reparsed = {name: ReparseCounts(**one) for name, one in reparsed.items()}  # type: ignore[arg-type]
        if isinstance(warehouse, dict):
            record.warehouse = WarehouseRecord(**warehouse)  # type: ignore[arg-type]
        return record


def _phase_of(value: JsonValue) -> PhaseRecord:
    if not isinstance(value, dict):
        raise TypeError("a phase is an object")
    fields = dict(value)
    parts, sources, retired = fields.pop("parts"), fields.pop("sources"), fields.pop("retired", [])
    if not isinstance(parts, list) or not isinstance(sources, dict) or not isinstance(retired, list):
        raise TypeError("parts and retired are lists, sources is an object")
    return PhaseRecord(
        parts=[PartRecord(**part) for part in parts],  # type: ignore[arg-type]
        sources={name: SourceCounts(**counts) for name, counts in sources.items()},  # type: ignore[arg-type]
        retired=[RetiredRecord(**one) for one in retired],  # type: ignore[arg-type]
        **fields,  # type: ignore[arg-type]
    )


def in_effect(records: Iterable[RunRecord], run_id: str | None = None) -> list[RunRecord]:
    """Return the runs in effect as of a run (without `run_id`: the newest one), oldest first: only their rows and
    pieces count.

    Each run continues the one before it, a rollback the one that it went back to: the runs in between are undone, until
    a rollback to one of them brings it and those before it back. Raises ValueError when a run is missing.
    """
    ordered = sorted(records, key=lambda record: record.epoch)
    places = {record.run_id: number for number, record in enumerate(ordered)}
    if run_id is not None and run_id not in places:
        raise ValueError(f"there is no run {run_id}")
    at = len(ordered) - 1 if run_id is None else places[run_id]
    found: list[RunRecord] = []
    while at >= 0:
        record = ordered[at]
        found.append(record)
        before = at - 1 if record.kind != "rollback" else places.get(record.back_to or "", at)
        if before >= at:
            raise ValueError(f"{record.run_id} went back to {record.back_to}, which is not an earlier run")
        at = before
    return found[::-1]
