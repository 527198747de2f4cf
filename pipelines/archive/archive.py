"""The archive as a whole: its identity, its homes, and its commit records."""

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
        """Open an archive. Raises ConfigurationError when there is none, FixityError when archive.json is damaged,
        StoreError when its format is newer than this version of the program.
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
                f"{layout.archive_file} cannot be read ({error}): replace it by its copy {layout.archive_copy}; "
                f"without it no piece can be found in the store"
            ) from error
        if archive_format != FORMAT:
            raise StoreError(
                f"the archive has format {archive_format}, this version knows {FORMAT}: use a newer version"
            )
        return made

    @classmethod
    def open_or_make(cls, layout: Layout) -> "Archive":
        """Open an archive, or make an empty one. Raises StoreError when archive.json is missing but runs exist: a new
        seed would make their pieces impossible to find.
        """
        layout.prepare()
        if not layout.archive_file.exists() and not layout.archive_copy.exists():
            if any(layout.runs.iterdir()):
                raise StoreError(
                    f"{layout.archive_file} and its copy are gone, but {layout.root} has runs: put one of them back "
                    f"from a backup; without it no piece can be found in the store"
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
        """Return the committed runs in effect, as `read_runs` does."""
        return read_runs(self.layout)


def read_runs(layout: Layout) -> list[RunRecord]:
    """Return the committed runs in effect, oldest first: rollbacks included, the runs that they have undone excluded.
    Raises as `read_all_runs` does.
    """
    return effective(read_all_runs(layout))


def effective(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Return those of all `runs` that are in effect, oldest first. Raises StoreError when the records are
    inconsistent.
    """
    try:
        return in_effect(runs)
    except ValueError as error:
        raise StoreError(f"the commit records are inconsistent: {error}; see `extract verify`") from error


def read_all_runs(layout: Layout) -> list[RunRecord]:
    """Return every commit record of a data directory, oldest first, undone and removed runs included; an empty list
    when the directory does not exist. The records of a journaled erasure replace the old ones.

    Raises FixityError for a damaged record, StoreError for one with unknown content.
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
    """Write a run's commit record atomically: from then on the files that it lists belong to the archive.

    Raises StoreError when a newer run has committed meanwhile.
    """
    others = (path for path in layout.commit_records() if path.parent.name != run.run_id)
    newest = max((_epoch(path, *_version(path)) for path in others), default=0)
    if newest >= run.epoch:
        raise StoreError(
            f"a newer run (epoch {newest}) has committed meanwhile, so this one (epoch {run.epoch}) is not committed: "
            f"run again"
        )
    write_record(layout, run, "commit")


def _version(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


@cache
def _epoch(path: Path, *_version: int) -> int:
    """Return the epoch of a commit record, cached by the file's version: each commit of a run asks for all others."""
    try:
        return int(orjson.loads(read_sealed(path))["epoch"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_understood(path, error) from error


def write_record(layout: Layout, run: RunRecord, point: str) -> None:
    """Write a commit record without comparing epochs: for gc and erasures, which change records of older runs."""
    write_sealed(layout.commit_record(run.run_id), orjson.dumps(run, option=orjson.OPT_INDENT_2), point)


def next_epoch(runs: Iterable[RunRecord]) -> int:
    """Return the epoch of the run that follows all of `runs`."""
    return max((run.epoch for run in runs), default=0) + 1


def committed_parts(runs: Iterable[RunRecord], table: str) -> list[PartRecord]:
    """Return the parts of one table of `runs`, in the order of commits."""
    return [part for run in runs for phase in run.phases for part in phase.parts if part.table == table]


def last_phase(runs: Iterable[RunRecord], home_id: str, phase: int) -> tuple[RunRecord, PhaseRecord] | None:
    """Return the newest record of a phase of a home in `runs` (oldest first), with its run; None if there is none.

    Records of a reparse are skipped: they have no manifest.
    """
    found = None
    for run in runs:
        for record in run.phases if run.kind == "run" else ():
            if record.home_id == home_id and record.phase == phase:
                found = (run, record)
    return found


def was_committed(directory: Path) -> bool:
    """Return whether a run's directory has files that are only written after a commit."""
    return any(not path.name.startswith(".") for path in directory.iterdir())
