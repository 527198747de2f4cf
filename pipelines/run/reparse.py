"""Parses archived files again whose rows an older parser made, including files that are gone from their home.

Each run records the digests of its parsers (`PhaseRecord.parsers`). If a source's parser has changed since, a reparse
writes the archived bytes of its files to a temporary directory in staging/ and reads that directory like a home. The
new rows have the same file_id and offsets as the old ones and replace them in the warehouse, as the rows of any later
reading do. No committed file changes. A reparse is a run of its own, of kind `reparse`, so that a rollback to an
earlier run undoes it; the next run then repeats it.
"""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from extractors.reading.registry import Classifier, Treatment, parser_digests, sources
from extractors.reading.task import FileResult, FileTask, Limits
from models.errors import FixityError, StoreError
from models.manifest import FileState
from models.observer import Observer
from models.run import PhaseRecord, ReparseCounts, RunRecord
from models.tables import EXTRACTIONS
from pipelines.archive import archive as archives
from pipelines.archive.archive import Archive
from pipelines.archive.damage import look_at_parts
from pipelines.archive.homes import known_homes
from pipelines.archive.parquet import StagedPart, read_part
from pipelines.archive.store import StoreReader
from pipelines.archive.tombstones import read_tombstones
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout, make_private, part_name
from pipelines.disk.platform import fsync_directory
from pipelines.disk.settings import Settings, read_settings
from pipelines.run.digest_indexes import DigestIndexes, prepare_indexes
from pipelines.run.file_states import extraction_rows
from pipelines.run.phase import check_balance, put_in_place
from pipelines.run.phase_counts import PhaseCounts
from pipelines.run.phase_work import PhaseWork
from pipelines.run.snapshot import Due
from pipelines.run.staging import RowWriter
from pipelines.run.workers import Readers
from pipelines.version import VERSION

_SLICE_BYTES: Final = 256 << 20
_SLICE_FILES: Final = 5000


def outdated_sources(runs: Sequence[RunRecord]) -> list[str]:
    """Return the sources of which a parser other than the current one made some rows, by `runs`, the commit records of
    the runs in effect, oldest first.
    """
    found = set()
    for source, digest in parser_digests().items():
        phase = sources()[source].phase
        for run in reversed(runs):
            counts = run.reparsed.get(source)
            if counts is not None and counts.parser == digest:
                break
            if any(one.phase == phase and one.parsers.get(source) != digest for one in run.phases if run.kind == "run"):
                found.add(source)
                break
    return sorted(found)


def reparse(
    layout: Layout, runs: Sequence[RunRecord], observer: Observer, also: Sequence[str] = ()
) -> RunRecord | None:
    """Parse the files of outdated sources again and commit the rows as a run of its own; returns its record, or None if
    there was nothing to do. `runs` are the runs in effect, oldest first; `also` are sources to parse again in any case.
    The caller must hold the writer lock and build the warehouse afterwards.

    A file whose bytes the store cannot return, or of which a part was erased, keeps its rows and is counted as
    `files_left`. Raises ExtractError.
    """
    outdated = sorted({*outdated_sources(runs), *also})
    if not outdated or not runs:
        return None
    return _Reparse(layout, runs, outdated, observer).do()


@dataclass(frozen=True, slots=True)
class _KeptFile:
    """An archived file to be parsed again: its manifest row, and its phase and task by the current rules."""

    state: FileState
    phase: int
    task: FileTask


class _Reparse:
    """Runs one reparse, phase by phase."""

    def __init__(self, layout: Layout, runs: Sequence[RunRecord], outdated: Sequence[str], observer: Observer) -> None:
        self._layout, self._runs, self._observer = layout, runs, observer
        self._settings: Settings = read_settings(layout)
        self._archive = Archive.open(layout)
        self._store = StoreReader(layout, runs, self._archive.seed, lenient=True)
        digests = parser_digests()
        self._counts = {source: ReparseCounts(digests[source]) for source in outdated}
        self._rows_before = self._row_counts()
        self.record = RunRecord(
            run_id=archives.next_run_id(layout),
            epoch=archives.next_epoch(archives.read_all_runs(layout)),
            status="open",
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            finished_at=None,
            tool_version=VERSION,
            is_full=False,
            homes={},
            kind="reparse",
        )

    def do(self) -> RunRecord:
        """Parse every archived file of the outdated sources again, commit, and return the record."""
        self._observer.step_begins("reparse")
        groups: dict[tuple[str, int], list[_KeptFile]] = {}
        for file in self._files():
            groups.setdefault((file.state.home_id, file.phase), []).append(file)
        size = sum(file.task.size for group in groups.values() for file in group)
        count = sum(map(len, groups.values()))
        with disk_errors():
            self._layout.run(self.record.run_id).mkdir(mode=0o700)
            fsync_directory(self._layout.runs)
            damage = look_at_parts(self._layout, self._runs, None)
            digests = prepare_indexes(self._layout, self._runs, self.record.run_id, size, count, damage)
        for (home_id, phase), files in sorted(groups.items()):
            self.record.homes[home_id] = known_homes(self._layout).get(home_id, "")
            self.record.phases.append(self._phase(home_id, phase, files, digests))
        self.record.reparsed = dict(sorted(self._counts.items()))
        self.record.status = "complete"
        self.record.finished_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        reach("reparse:before-commit")
        with disk_errors():
            archives.commit(self._layout, self.record)
            shutil.rmtree(self._layout.staging / self.record.run_id, ignore_errors=True)
        reach("reparse:after-commit")
        self._observer.step_ends()
        return self.record

    def _files(self) -> Iterator[_KeptFile]:
        """Yield each generation of each archived file that the current rules assign to an outdated source."""
        classifier = Classifier(self._settings.withhold, archive_trees=self._settings.archive_trees)
        newest = {state.file_id: state for state in self._store.changes() if state.file_id is not None}
        for file_id, state in newest.items():
            place = classifier.place(state.path, state.entry_type)
            if place.treatment not in (Treatment.EXTRACT, Treatment.ARCHIVE) or place.source not in self._counts:
                continue
            kept = self._store.kept_bytes(file_id)
            if kept is None or state.erased or self._store.lost_spans(file_id):
                self._counts[place.source].files_left += 1
                continue
            task = FileTask(
                home_id=state.home_id,
                path=state.path_bytes,
                source=place.source,
                shape=place.shape,
                generation=state.generation or 1,
                start=0,
                size=kept,
                modified_ns=state.mtime_ns,
                entry_type=state.entry_type,
                link_target=state.link_target,
            )
            yield _KeptFile(state, place.phase, task)

    def _phase(self, home_id: str, phase: int, files: Sequence[_KeptFile], digests: DigestIndexes) -> PhaseRecord:
        """Parse the files of one phase of one home again; move the Parquet files to their place; return the record."""
        started = time.monotonic()
        work = self._work(home_id, phase, files, digests)
        make_private(work.directory)
        counts = PhaseCounts()
        with disk_errors():
            extractions = RowWriter(work.directory / EXTRACTIONS.name / part_name(phase), EXTRACTIONS)
        slices = list(_slices(files))
        with _temporary_home(work.home), Readers(work, self._observer.file_read) as readers:
            for number, part in enumerate(slices):
                tasks = [file.task for file in part if self._write(work.home, file)]
                results = readers.read(tasks, is_last=number == len(slices) - 1)
                for result in results:
                    check_balance(result)
                    self._count(result)
                counts.add((), results)
                with disk_errors():
                    extractions.write(extraction_rows(work, results))
                    _clear(work.home)
            output = readers.close()
        counts.add_messages(output.new_messages, output.seen_messages)
        with disk_errors():
            parts: list[StagedPart] = [*output.parts, extractions.close()]
            records = put_in_place(self._layout, work, parts)
            shutil.rmtree(work.directory)
        return PhaseRecord(
            home_id=home_id,
            phase=phase,
            committed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=round(time.monotonic() - started, 3),
            parts=records,
            sources=counts.sources(),
            outcomes={},
            rejects=dict(sorted(counts.rejects.items())),
        )

    def _work(self, home_id: str, phase: int, files: Sequence[_KeptFile], digests: DigestIndexes) -> PhaseWork:
        directory = self._layout.staging / self.record.run_id / f"{home_id}-{phase}"
        size = sum(file.task.size for file in files)
        return PhaseWork(
            home_id=home_id,
            home=directory / "home",
            run_id=self.record.run_id,
            run_started_at=self.record.started_at,
            phase=phase,
            directory=directory,
            seed=self._archive.seed,
            limits=Limits(self._settings.entry_mb << 20, self._settings.document_mb << 20),
            digests=digests,
            due=Due(files=len(files), size=size, new_bytes=size),
            processes=self._settings.process_count,
            tombstones=read_tombstones(self._layout),
        )

    def _write(self, home: Path, file: _KeptFile) -> bool:
        """Write an archived file below `home`; returns whether it could be written. Links need no file."""
        if file.task.entry_type != "file":
            return True
        path = bytes(home) + b"/" + file.task.path
        target = Path(path.decode("utf-8", "surrogateescape"))
        assert file.state.file_id is not None
        try:
            with disk_errors():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with target.open("xb") as opened:
                    for _, block in self._store.blocks(file.state.file_id):
                        opened.write(block or b"")
        except (StoreError, FixityError):
            target.unlink(missing_ok=True)
            self._counts[file.task.source].files_left += 1
            return False
        return True

    def _row_counts(self) -> Mapping[int, int]:
        """Return the number of rows of each file in the warehouse, by file_id. A later reading replaces the rows of
        earlier ones from the offset at which it began.
        """
        readings: dict[int, list[tuple[int, int]]] = {}
        columns = ["file_id", "from_offset", "row_count", "is_void"]
        for part in archives.committed_parts(self._runs, EXTRACTIONS.name):
            try:
                table = read_part(self._layout, part, columns)
            except (StoreError, FixityError):  # only the count suffers; the run's record lists the damaged file
                continue
            for file_id, start, rows, is_void in zip(*(table[name].to_pylist() for name in columns), strict=True):
                if not is_void:
                    held = [one for one in readings.get(file_id, ()) if one[0] < start]
                    readings[file_id] = [*held, (start, rows)]
        return {file_id: sum(rows for _, rows in held) for file_id, held in readings.items()}

    def _count(self, result: FileResult) -> None:
        counts = self._counts[result.task.source]
        if result.error is not None:
            counts.files_left += 1
            return
        counts.files += 1
        counts.rows_before += self._rows_before.get(result.file_id, 0)
        counts.rows_after += result.row_count


def _slices(files: Sequence[_KeptFile]) -> Iterator[list[_KeptFile]]:
    """Yield groups of files that can be written to one directory: no path twice, no path below another file, and a
    limited number and size.
    """
    part: list[_KeptFile] = []
    paths: set[bytes] = set()
    above: set[bytes] = set()
    size = 0
    for file in sorted(files, key=lambda file: (file.task.generation, file.task.path)):
        path = file.task.path
        parents = {path[:at] for at, byte in enumerate(path) if byte == ord("/")}
        is_file = file.task.entry_type == "file"
        conflicts = is_file and (path in paths or path in above or not parents.isdisjoint(paths))
        if part and (conflicts or size + file.task.size > _SLICE_BYTES or len(part) >= _SLICE_FILES):
            yield part
            part, paths, above, size = [], set(), set(), 0
        part.append(file)
        size += file.task.size
        if is_file:
            paths.add(path)
            above |= parents
    if part:
        yield part


@contextmanager
def _temporary_home(home: Path) -> Iterator[None]:
    """Create the temporary directory that is read like a home, and remove it at the end."""
    make_private(home)
    try:
        yield
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _clear(home: Path) -> None:
    """Empty the directory; it stays the same, since readers hold it open."""
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
