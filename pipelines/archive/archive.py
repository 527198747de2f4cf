"""The archive as a whole: its identity, its homes, and its commit records."""

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from models.errors import ConfigurationError, FixityError, StoreError
from models.run import DamageRecord, PartRecord, PhaseRecord, RunRecord, in_effect, is_run_id, new_run_id
from pipelines.archive.copies import read_either, write_both
from pipelines.archive.damage import CHANGED
from pipelines.archive.erasure_journal import read_journal
from pipelines.disk.atomic import read_sealed, write_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.lock import is_being_written as is_being_written
from pipelines.disk.lock import writing as writing

FORMAT = 1
HAS_LIST = "has_evidence_list"
"""The field of head.json that says whether evidence.json was there when it was written."""


def no_archive(layout: Layout) -> ConfigurationError:
    """Return the error of a command that needs an archive, where there is none."""
    return ConfigurationError(
        f"there is no archive in {layout.root}; `extract run` makes one (or name another with --data)"
    )


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
        if not layout.archive_file.exists() and not layout.archive_copy.exists():
            raise no_archive(layout)
        try:
            fields = orjson.loads(_whole_identity(layout))
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
        mend_identity(layout)
        return cls.open(layout)

    def runs(self) -> list[RunRecord]:
        """Return the committed runs in effect, as `read_runs` does."""
        return read_runs(self.layout)


def _whole_identity(layout: Layout) -> bytes:
    """Return the content of archive.json, from its second copy if it is missing or damaged. Raises FixityError,
    OSError.
    """
    try:
        return read_identity(layout.archive_file)
    except (FixityError, OSError) as error:
        try:
            return read_identity(layout.archive_copy)
        except (FixityError, OSError):
            raise error from None


def read_identity(path: Path) -> bytes:
    """Return the content of archive.json or of its copy. Raises FixityError where it is damaged, or is another file
    with a seal; OSError. A newer format is not judged here.
    """
    raw = read_sealed(path)
    try:
        fields = orjson.loads(raw)
        is_ours = isinstance(fields["archive_id"], str) and (fields["format"] != FORMAT or int(fields["seed"], 16) >= 0)
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise FixityError(f"{path} is another file than archive.json; see `extract verify`")
    return raw


def mend_identity(layout: Layout) -> list[DamageRecord]:
    """Restore archive.json from its second copy, or the copy from the original, if one of them is missing or damaged;
    returns the damaged ones. Raises FixityError if both are. The caller must hold the writer lock.
    """
    damage = []
    for path in (layout.archive_file, layout.archive_copy):
        try:
            read_identity(path)
        except FileNotFoundError:
            problem = "is gone"
        except (FixityError, OSError):
            problem = CHANGED
        else:
            continue
        other = layout.archive_copy if path == layout.archive_file else layout.archive_file
        write_sealed(path, read_identity(other), "archive" if path == layout.archive_file else "archive-copy")
        again = f"{problem}, and was put back from its second copy"
        damage.append(DamageRecord(layout.relative(path), "", "", again, mended=True))
    return damage


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

    A record that was changed or damaged is read from its second copy. Raises FixityError when a run has lost both.
    """
    runs, damage = read_records(layout)
    for one in damage:
        if not one.mended:
            raise FixityError(f"{one.path} {one.problem}; see `extract verify`")
    return runs


def read_records(layout: Layout) -> tuple[list[RunRecord], list[DamageRecord]]:
    """Return the records as `read_all_runs` does, and the damage: records that were read from their second copies
    (`mended`), and runs that cannot be read at all, which are left out. Raises StoreError for an unreadable journal of
    an erasure.
    """
    names = {path.name for base in (layout.runs, layout.copy_of(layout.runs)) for path in _directories(base)}
    journal = read_journal(layout) if layout.forget_file.exists() else None
    instead = journal.records if journal is not None else {}
    found, damage = [], []
    for name in sorted(names):
        run, problem = _read_record(layout, name)
        if run is not None:
            found.append(instead.get(run.run_id, run))
        if problem is not None:
            path = layout.relative(layout.commit_record(name))
            damage.append(DamageRecord(path, "", name, problem, mended=run is not None))
    found.sort(key=lambda run: run.epoch)
    return found, [*damage, *_gaps(layout, found, sum(not one.mended for one in damage))]


def _directories(base: Path) -> list[Path]:
    return [path for path in base.iterdir() if path.is_dir()] if base.is_dir() else []


def _read_record(layout: Layout, name: str) -> tuple[RunRecord | None, str | None]:
    """Return the commit record in the directory `name` of runs/, and the problem of its original, if it was read from
    the second copy or not at all; (None, None) for the directory of a run that died before it committed anything.
    Raises StoreError where neither can be read and one has unknown content: a newer version may have written it.
    """
    original = layout.commit_record(name)
    problems: list[str] = []
    unknown: StoreError | None = None
    for path in (original, layout.copy_of(original)):
        try:
            run = _understood(path, read_sealed(path))
        except FileNotFoundError:
            problems.append("is gone")
        except (FixityError, OSError):
            problems.append(CHANGED)
        except StoreError as error:  # another sealed file in its place, or the record of a newer version
            unknown = unknown or error
            problems.append("has unknown content")
        else:
            if run.run_id == name:
                return run, problems[0] if problems else None
            problems.append(f"is that of run {run.run_id}")
    if unknown is not None:
        raise unknown
    directory = layout.run(name)
    if problems == ["is gone", "is gone"] and not (directory.is_dir() and was_committed(directory)):
        return None, None
    return None, f"{problems[0]}, and its second copy {problems[1]}"


def _understood(path: Path, raw: bytes) -> RunRecord:
    try:
        return RunRecord.from_json(orjson.loads(raw))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the commit record {path} cannot be read ({error}); see `extract verify`") from error


def _gaps(layout: Layout, runs: Sequence[RunRecord], unread: int) -> list[DamageRecord]:
    """Return a damage for each run whose record is missing: epochs are numbered without gaps up to the one in
    head.json. `unread` is the number of records that exist and cannot be read; they are reported by their paths.
    """
    missing = missing_epochs(layout, runs)
    if len(missing) <= unread:
        return []
    path = layout.relative(layout.runs)
    return [DamageRecord(path, "", "", f"has no record of the run of epoch {epoch}") for epoch in missing]


def missing_epochs(layout: Layout, runs: Sequence[RunRecord]) -> list[int]:
    """Return the epochs without a run, in ascending order. `runs` are all runs whose records can be read."""
    newest = max(last_epoch(layout), max((run.epoch for run in runs), default=0))
    return sorted(set(range(1, newest + 1)) - {run.epoch for run in runs})


def last_epoch(layout: Layout) -> int:
    """Return the epoch of the last committed run from head.json or its second copy; 0 if neither can be read."""
    try:
        return int(orjson.loads(read_either(layout, layout.head_file))["epoch"])
    except (FixityError, OSError, ValueError, KeyError, TypeError):
        return 0


def next_run_id(layout: Layout) -> str:
    """Return the id of a new run, which sorts after that of every run that has a directory in the archive."""
    names = (path.name for path in layout.runs.iterdir())
    return new_run_id(datetime.now(UTC), max(filter(is_run_id, names), default=""))


def commit(layout: Layout, run: RunRecord, earlier: Iterable[RunRecord] = ()) -> None:
    """Write a run's commit record atomically: from then on the files that it lists belong to the archive. The records
    of `earlier`, which the caller has read, are not read again.

    Raises StoreError when a newer run was committed meanwhile.
    """
    known = {one.run_id for one in earlier} | {run.run_id}
    with os.scandir(layout.runs) as entries:
        others = [layout.commit_record(entry.name) for entry in entries if entry.name not in known]
    newest = max(map(_epoch, others), default=0)
    if newest >= run.epoch:
        raise StoreError(
            f"a newer run (epoch {newest}) was committed meanwhile, so this one (epoch {run.epoch}) is not committed: "
            f"run again"
        )
    write_record(layout, run, "commit")
    if last_epoch(layout) != run.epoch:
        write_head(layout, run.epoch, run.run_id)


def write_head(layout: Layout, epoch: int, run_id: str) -> None:
    """Write head.json, which names the last committed run and says whether evidence.json exists."""
    fields = {"epoch": epoch, "run_id": run_id, HAS_LIST: layout.evidence_file.exists()}
    write_both(layout, layout.head_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "head")


def _epoch(path: Path) -> int:
    """Return the epoch in a commit record, 0 if it cannot be read."""
    try:
        return int(orjson.loads(read_sealed(path))["epoch"])
    except (FixityError, OSError, ValueError, KeyError, TypeError):
        return 0


def write_record(layout: Layout, run: RunRecord, point: str) -> None:
    """Write a commit record as its next revision, without the check for newer runs that `commit` makes: for erasures,
    gc and repairs.
    """
    run.revision += 1
    write_both(layout, layout.commit_record(run.run_id), orjson.dumps(run, option=orjson.OPT_INDENT_2), point)


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
