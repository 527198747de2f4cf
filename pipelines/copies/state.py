"""The state of a copy: the files at its place, its own records, and its archive."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Final

import orjson

from models.errors import ConfigurationError, DataDirectoryError, FixityError, StoreError
from models.json import JsonObject, JsonValue
from models.run import RUN_ID, PartRecord, RunRecord
from models.seal import SealError, sealed, unsealed
from pipelines.archive.archive import Archive
from pipelines.archive.erasure_journal import Journal
from pipelines.copies.destination import Destination, PlacedEntry, UnreadableThere, read_there
from pipelines.disk.layout import Layout

FORMAT: Final = 1
RUN_FILE: Final = re.compile(
    rf"(?:store|tables/[a-z][a-z0-9_]*)/home=[A-Za-z0-9._-]+/run=(?P<run>{RUN_ID})"
    r"/[A-Za-z0-9][A-Za-z0-9_-]*\.parquet"
)
"""The path of a Parquet file of a run."""
RECORD: Final = re.compile(r"runs/(?P<run>[^/]+)/run\.json")
EVIDENCE: Final = re.compile(r"runs/(?P<run>[^/]+)/(?!run\.json$)[A-Za-z0-9][A-Za-z0-9._-]*")
"""The path of a report, of findings, of the record of a drill, of a list for `sha256sum`."""
IMPORT: Final = re.compile(r"store/imported/(?P<sha256>[0-9a-f]{64})\.parquet")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CopyHead:
    """The content of copy.json: the archive that the copy is of, the newest run that it has, the erasures that it has
    carried out. `number` counts the syncs, `previous` is the SHA-256 of the copy.json that the sync before left.

    `files` are the SHA-256 of those files that no commit record lists, by path. While `is_syncing`, a sync is at work
    or was stopped: some of these files may be later ones already, and `writer` is the token of its turn.
    """

    archive_id: str
    epoch: int = 0
    run_id: str | None = None
    erasures: int = 0
    synced_at: str | None = None
    number: int = 0
    previous: str | None = None
    is_syncing: bool = False
    writer: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        fields: JsonObject = {"format": FORMAT, **asdict(self)}
        if self.writer is None:
            del fields["writer"]  # earlier versions do not know it
        return sealed(orjson.dumps(fields, option=orjson.OPT_INDENT_2), ".json")

    @classmethod
    def from_bytes(cls, raw: bytes) -> "CopyHead":
        """Return the head that `to_bytes` wrote. Raises SealError, ValueError or TypeError for other bytes, StoreError
        for a newer format.
        """
        fields = orjson.loads(unsealed(raw, ".json"))
        known = fields.pop("format", None)
        if known != FORMAT:
            raise StoreError(f"the copy has format {known}, this version knows {FORMAT}: use a newer version")
        made = cls(**fields)
        if not all(_DIGEST.fullmatch(str(one)) for one in made.files.values()):
            raise ValueError("a file has no SHA-256")
        return made


@dataclass(slots=True)
class CopyState:
    """The state of a copy as found at its place. `head` is None where copy.json is gone or damaged; `head_digest` is
    the SHA-256 of copy.json. `records` are the readable commit records by run_id, `broken` the paths of other records
    with the problem of each. `erasures` is the number of its tombstones; None where they cannot be read. `instead` are
    the records that take the place of others until a sync has carried out an erasure
    (`pipelines.archive.erasure_journal`).
    """

    entries: dict[str, PlacedEntry]
    head: CopyHead | None = None
    head_digest: str | None = None
    records: dict[str, RunRecord] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    erasures: int | None = 0
    instead: dict[str, RunRecord] = field(default_factory=dict)

    @property
    def runs(self) -> list[RunRecord]:
        """The runs of the copy, oldest first."""
        return sorted(self.records.values(), key=lambda run: run.epoch)

    @property
    def runs_in_force(self) -> list[RunRecord]:
        """The runs of the copy as a reader takes them, oldest first."""
        return [self.instead.get(run.run_id, run) for run in self.runs]


def listed_files(run: RunRecord) -> Iterator[PartRecord]:
    """Yield the Parquet files of a run that a copy has. A path outside this run is skipped, because the record may come
    from a stranger.
    """
    for phase in run.phases:
        for part in phase.parts:
            match = RUN_FILE.fullmatch(part.path)
            if match and match["run"] == run.run_id and _DIGEST.fullmatch(part.sha256):
                yield part


def read_state(destination: Destination, layout: Layout) -> CopyState:
    """Return the state of a copy. `layout` gives the names of files; nothing below it is read. Raises OSError."""
    state = CopyState(destination.entries())
    state.head, state.head_digest = _head(destination, state, layout.copy_head.name)
    for path in state.entries:
        if RECORD.fullmatch(path):
            _read_record(destination, state, path)
    name = layout.forget_file.name
    if name in state.entries:
        try:
            state.instead = Journal.from_bytes(unsealed(_read(destination, state, name), ".json")).records
        except (SealError, ValueError, KeyError, TypeError, AttributeError) as error:
            state.broken[name] = str(error)
    name = layout.tombstones_file.name
    if name in state.entries:
        try:
            state.erasures = len(_object(_read(destination, state, name))["tombstones"])  # type: ignore[arg-type]
        except (SealError, ValueError, KeyError, TypeError) as error:
            state.erasures, state.broken[name] = None, str(error)
    return state


def _head(destination: Destination, state: CopyState, name: str) -> tuple[CopyHead | None, str | None]:
    if name not in state.entries:
        return None, None
    try:
        raw = _read(destination, state, name)
        return CopyHead.from_bytes(raw), sha256(raw).hexdigest()
    except (SealError, ValueError, TypeError, AttributeError) as error:
        state.broken[name] = str(error)
        return None, None


def record_there(destination: Destination, path: str) -> RunRecord:
    """Return a commit record at a copy. Raises SealError, ValueError, KeyError, TypeError for none, OSError."""
    run = RunRecord.from_json(_object(read_there(destination, path)))
    if path != f"runs/{run.run_id}/run.json":
        raise ValueError(f"it is the record of run {run.run_id}")
    return run


def _read_record(destination: Destination, state: CopyState, path: str) -> None:
    try:
        if not state.entries[path].is_file:
            raise ValueError(f"it is a {state.entries[path].kind}")
        run = record_there(destination, path)
    except UnreadableThere as error:
        state.broken[path] = str(error.strerror)
    except (SealError, ValueError, KeyError, TypeError) as error:
        state.broken[path] = str(error)
    else:
        state.records[run.run_id] = run


def _read(destination: Destination, state: CopyState, path: str) -> bytes:
    """Return the content of a file that the state lists. Raises ValueError for an entry that is not a file, OSError."""
    if not state.entries[path].is_file:
        raise ValueError(f"it is a {state.entries[path].kind}")
    try:
        return read_there(destination, path)
    except UnreadableThere as error:
        raise ValueError(error.strerror) from error


def _object(raw: bytes) -> dict[str, JsonValue]:
    value = orjson.loads(unsealed(raw, ".json"))
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def refuse_other_archive(state: CopyState, archive: Archive, place: str) -> None:
    """Raise ConfigurationError where a copy is of another archive than this one."""
    if state.head is not None and state.head.archive_id != archive.archive_id:
        raise ConfigurationError(f"{place} is a copy of another archive: name another directory")


def refuse_other_ways(
    state: CopyState, archive: Archive, here: Mapping[str, RunRecord], erasures: int, place: str, name: str
) -> None:
    """Raise where a place is not the copy of this archive, and where a sync would undo an erasure or a run. `here` are
    the runs of the archive by run_id, `erasures` is the number of its tombstones, `name` that of copy.json.
    """
    if state.head is None and name not in state.entries:
        raise DataDirectoryError(
            f"there is no {name} in {place}: its disk is not there now. If the copy is lost, `extract copy add` "
            f"begins a new one"
        )
    refuse_other_archive(state, archive, place)
    if (state.erasures or 0) > erasures:
        raise FixityError(
            f"the copy {place} knows of {state.erasures} erasures, the archive of {erasures} only: the archive was put "
            f"back to an earlier state, and has erased content again. `extract repair --from {place}` mends it"
        )
    epochs = {run.epoch: run.run_id for run in here.values()}
    for run in state.runs:
        other = epochs.get(run.epoch, run.run_id)
        if other != run.run_id and run.run_id not in here:
            raise FixityError(
                f"the copy {place} has run {run.run_id} where the archive has run {other}: both were written to since "
                f"they were one. Keep both, and add a new directory as the copy of this archive"
            )


def missing_epochs(runs: Sequence[RunRecord], newest: int) -> list[int]:
    """Return the epochs up to `newest` of which no run is there."""
    return sorted(set(range(1, newest + 1)) - {run.epoch for run in runs})
