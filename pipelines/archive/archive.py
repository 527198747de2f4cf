"""The archive as a whole: what it is, which homes it knows, which runs are committed, who may write."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from models.errors import ConfigurationError, StoreError
from models.run import PartRecord, PhaseRecord, RunRecord, in_effect
from pipelines.archive.erasure_journal import read_journal
from pipelines.disk.atomic import read_sealed, write_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.lock import is_being_written as is_being_written
from pipelines.disk.lock import writing as writing

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Archive:
    """An open archive: its layout, and the seed of its store's digests."""

    layout: Layout
    archive_id: str
    seed: int

    @classmethod
    def open(cls, layout: Layout) -> "Archive":
        """Open an archive. Raises ConfigurationError when there is none, FixityError when what says what it is was
        damaged, StoreError when its format is newer than this program.
        """
        if not layout.archive_file.exists():
            raise ConfigurationError(
                f"there is no archive in {layout.root}; `extract run` makes one (or name another with --data)"
            )
        try:
            fields = orjson.loads(read_sealed(layout.archive_file))
            made = cls(layout, fields["archive_id"], int(fields["seed"], 16))
            archive_format = fields["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{layout.archive_file} cannot be read ({error}); its copy is {layout.archive_copy}: the store cannot "
                f"be searched without"
            ) from error
        if archive_format != FORMAT:
            raise StoreError(
                f"the archive has format {archive_format}, this program knows {FORMAT}; use a newer version"
            )
        return made

    @classmethod
    def open_or_make(cls, layout: Layout) -> "Archive":
        """Open an archive, or make an empty one. Raises StoreError rather than give a new seed to what is kept."""
        layout.prepare()
        if not layout.archive_file.exists() and not layout.archive_copy.exists():
            if any(layout.runs.iterdir()):
                raise StoreError(
                    f"{layout.archive_file} and its copy are gone, though something is kept in {layout.root}; put one "
                    f"back from a backup: the store cannot be searched without"
                )
            fields = {"format": FORMAT, "archive_id": secrets.token_hex(8), "seed": secrets.token_hex(8)}
            write_sealed(layout.archive_copy, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "archive-copy")
        if not layout.archive_file.exists():
            write_sealed(layout.archive_file, read_sealed(layout.archive_copy), "archive")
        made = cls.open(layout)
        if not layout.archive_copy.exists():
            write_sealed(layout.archive_copy, read_sealed(layout.archive_file), "archive-copy")
        return made

    def runs(self) -> list[RunRecord]:
        """Return the committed runs that count, as `read_runs` does."""
        return read_runs(self.layout)


def read_runs(layout: Layout) -> list[RunRecord]:
    """Return the committed runs that count, the oldest first: rollbacks too, but not what they have undone. Raises as
    `read_all_runs` does.
    """
    return effective(read_all_runs(layout))


def effective(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Return which of all `runs` count, the oldest first. Raises StoreError when they contradict one another."""
    try:
        return in_effect(runs)
    except ValueError as error:
        raise StoreError(f"the commit records contradict one another: {error}; see `extract verify`") from error


def read_all_runs(layout: Layout) -> list[RunRecord]:
    """Return every commit record of a data directory, undone runs and removed ones too, the oldest first; none when
    there is no such directory. An erasure that is not finished yet counts as done.

    Raises FixityError for one that is not what was written, StoreError for one that cannot be understood.
    """
    if not layout.runs.is_dir():
        return []
    journal = read_journal(layout) if layout.forget_file.exists() else None
    instead = journal.records if journal is not None else {}
    found = []
    for directory in layout.runs.iterdir():
        record = layout.commit_record(directory.name)
        if record.exists():
            found.append(_read_record(record))
    return sorted((instead.get(run.run_id, run) for run in found), key=lambda run: run.epoch)


def _read_record(path: Path) -> RunRecord:
    try:
        return RunRecord.from_json(orjson.loads(read_sealed(path)))
    except (ValueError, KeyError, TypeError) as error:
        raise _not_understood(path, error) from error


def _not_understood(path: Path, error: Exception) -> StoreError:
    return StoreError(f"the commit record {path} cannot be read ({error}); see `extract verify`")


def commit(layout: Layout, run: RunRecord) -> None:
    """Write a run's commit record: what it lists is there from now on. Refuses (StoreError) when a newer run has
    committed.
    """
    others = (path for path in layout.runs.glob("*/run.json") if path.parent.name != run.run_id)
    newest = max((_epoch(path, *_version(path)) for path in others), default=0)
    if newest >= run.epoch:
        raise StoreError(f"a newer run (epoch {newest}) has committed meanwhile; this one (epoch {run.epoch}) must not")
    write_record(layout, run, "commit")


def _version(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


@cache
def _epoch(path: Path, *_version: int) -> int:
    """Return the epoch that a commit record names; a run asks for those of all others at each of its commits."""
    try:
        return int(orjson.loads(read_sealed(path))["epoch"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_understood(path, error) from error


def write_record(layout: Layout, run: RunRecord, point: str) -> None:
    """Write a commit record, whatever came after it: `commit` is for runs, this for what changes what is kept."""
    write_sealed(layout.commit_record(run.run_id), orjson.dumps(run, option=orjson.OPT_INDENT_2), point)


def next_epoch(runs: Iterable[RunRecord]) -> int:
    """Return the epoch of the run that follows all of `runs`."""
    return max((run.epoch for run in runs), default=0) + 1


def committed_parts(runs: Iterable[RunRecord], table: str) -> list[PartRecord]:
    """Return the parts of one table over runs, in order of commitment."""
    return [part for run in runs for phase in run.phases for part in phase.parts if part.table == table]


def last_phase(runs: Iterable[RunRecord], home_id: str, phase: int) -> tuple[RunRecord, PhaseRecord] | None:
    """Return the newest committed record of a phase of a home that was read, with its run: not of a reparse, which has
    no manifest.
    """
    found = None
    for run in runs:
        for record in run.phases if run.kind == "run" else ():
            if record.home_id == home_id and record.phase == phase:
                found = (run, record)
    return found


def was_committed(directory: Path) -> bool:
    """Whether a run's directory holds what is only written once a phase is committed."""
    return any(not path.name.startswith(".") for path in directory.iterdir())
