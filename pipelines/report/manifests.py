"""Counts the rows of a run's manifest: outcomes, files that are withheld or only listed, incomplete last lines."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from extractors.reading.contract import Reading
from extractors.reading.registry import sources
from models.manifest import Outcome, modified_at
from models.run import RunRecord
from models.tables import MANIFEST
from pipelines.archive.archive import committed_parts, last_phase
from pipelines.report.alerts import Noticed
from pipelines.report.facts import TailFact
from pipelines.report.file_facts import FileFact
from pipelines.report.listing import EXAMPLES, LIMIT, bounded, sql_text
from pipelines.report.parts import PartReader
from pipelines.report.places import Paths, file_address

NOT_HERE: Final = (Outcome.EXPIRED, Outcome.MOVED)
"""Outcomes of paths that are not in the home, or not in this phase, any more."""
NOT_PLAIN: Final = (
    *(Outcome.CORRUPT, Outcome.UNREADABLE, Outcome.MODIFIED, Outcome.MISSING, Outcome.UNEXPECTED),
    *(Outcome.APPENDED, Outcome.EXPIRED),
)
"""Outcomes whose files are listed by name, the most severe first, expired ones last: of these only files that no
earlier run missed.
"""
_UNREAD: Final = ("withhold", "inventory")
_PROJECTS: Final = "projects/"


class Group(NamedTuple):
    """The values that the paths of one count have in common; `is_known` when some run read the file."""

    home_id: str
    phase: int
    treatment: str
    rule: str
    source: str
    entry_type: str
    outcome: str
    check_made: str
    change: str
    atime_kept: bool | None
    is_known: bool

    @property
    def is_gone(self) -> bool:
        """Whether these are files that are gone from the home and whose bytes are kept."""
        return self.entry_type == "file" and self.is_known and self.outcome == Outcome.EXPIRED

    @property
    def is_kept_file(self) -> bool:
        """Whether these are files of the home whose bytes are kept."""
        return self.entry_type == "file" and self.is_known and self.outcome not in (Outcome.EXPIRED, Outcome.WITHHELD)


@dataclass(slots=True)
class Manifests:
    """The manifest of a run, counted: `path_counts` and `sizes` (in bytes) are by group. `gone_projects` counts the
    archived files that are gone from the home, by the directory of their project below `projects/`.

    `where` is the SQL condition that selects the same rows in the warehouse. A run that found nothing new publishes no
    warehouse: then not `is_in_warehouse`, and the condition selects the equal rows of earlier runs.
    """

    where: str = "false"
    is_in_warehouse: bool = True

    path_counts: Counter[Group] = field(default_factory=Counter)
    sizes: Counter[Group] = field(default_factory=Counter)
    files: dict[str, list[FileFact]] = field(default_factory=dict)
    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    tails: list[TailFact] = field(default_factory=list)
    tail_count: int = 0
    tail_bytes: int = 0
    log_tails: int = 0
    log_tail_bytes: int = 0
    gone_projects: Counter[str] = field(default_factory=Counter)

    def count(self, wanted: Callable[[Group], bool]) -> int:
        """Return the number of paths in the wanted groups."""
        return sum(count for group, count in self.path_counts.items() if wanted(group))

    def size(self, wanted: Callable[[Group], bool]) -> int:
        """Return the size in bytes of the files in the wanted groups."""
        return sum(size for group, size in self.sizes.items() if wanted(group))


class _ManifestRow(NamedTuple):
    """The columns read of the manifest: first those of a group, in its order."""

    home_id: str
    phase: int
    treatment: str
    rule: str
    source: str
    entry_type: str
    outcome: str
    check_made: str
    change: str
    atime_kept: bool | None
    file_id: int | None
    generation: int | None
    path: str
    size: int
    watermark: int | None
    mtime_ns: int
    detail: str | None

    @property
    def address(self) -> str:
        """The address of the file in its generation."""
        return file_address(self.home_id, self.path, self.generation)


_InCommon = tuple[str, int, str, str, str, str, str, str, str, bool | None]
"""The first fields of a group, and of a row."""


def read_manifests(
    reader: PartReader, run: RunRecord, earlier: Sequence[RunRecord], paths: Paths, noticed: Noticed
) -> Manifests:
    """Count the manifest of a run, and pass `paths` the addresses that it collects, `noticed` the rows of files.
    `earlier` are the runs before it.
    """
    made = Manifests(where_of(run, earlier), _is_loaded(run), files={outcome: [] for outcome in NOT_PLAIN})
    logs = frozenset(log_patterns())
    sums: dict[tuple[_InCommon, bool], list[int]] = {}
    for row in reader.rows(committed_parts([run], MANIFEST.name), _ManifestRow._fields, _ManifestRow):
        count_and_size = sums.setdefault((row[:10], row.file_id is not None), [0, 0])
        count_and_size[0] += 1
        count_and_size[1] += row.size
        if row.outcome in made.files:
            _list_file(made.files[row.outcome], row)
        if row.outcome == Outcome.EXPIRED and row.file_id is not None and row.path.startswith(_PROJECTS):
            made.gone_projects[row.path.split("/", 2)[1]] += 1
        if row.treatment in _UNREAD:
            _list_name(made, row)
        if row.watermark is not None and row.size > row.watermark and row.outcome != Outcome.EXPIRED:
            _list_tail(made, row, row.size - row.watermark, is_log=row.rule in logs)
        if row.entry_type == "file" and (row.file_id is not None or row.outcome == Outcome.UNREADABLE):
            noticed.see(row)
        if row.file_id in paths.wanted:
            paths.tell(row.file_id, row.home_id, row.path, row.generation)
    for (in_common, is_known), (count, size) in sums.items():
        group = Group(*in_common, is_known)
        made.path_counts[group], made.sizes[group] = count, size
    return made


def where_of(run: RunRecord, earlier: Sequence[RunRecord]) -> str:
    """Return the SQL condition that selects the manifest rows of a run in the table `manifest`, or the equal rows of
    earlier runs if the run found nothing new, because its own are not in the warehouse then.
    """
    loaded = run.warehouse and Path(run.warehouse.path).stem
    epoch = next((one.epoch for one in earlier if one.run_id == loaded), None)
    if _is_loaded(run) or epoch is None:
        return f"run_id = {sql_text(run.run_id)}"
    before = [one for one in earlier if one.epoch <= epoch]
    found = [(phase, last_phase(before, phase.home_id, phase.phase)) for phase in run.phases]
    phases: dict[tuple[str, str], list[int]] = {}
    for phase, last in found:
        if last is not None:
            phases.setdefault((last[0].run_id, phase.home_id), []).append(phase.phase)
    return f"({' OR '.join(_of_phases(*key, numbers) for key, numbers in phases.items())})" if phases else "false"


def _of_phases(run_id: str, home_id: str, phases: Sequence[int]) -> str:
    numbers = ", ".join(map(str, phases))
    return f"run_id = {sql_text(run_id)} AND home_id = {sql_text(home_id)} AND phase IN ({numbers})"


def _is_loaded(run: RunRecord) -> bool:
    """Whether the run built the warehouse in its record; else an earlier run did."""
    return run.warehouse is None or Path(run.warehouse.path).stem == run.run_id


def _list_file(held: list[FileFact], row: _ManifestRow) -> None:
    """Note a file with an outcome to be listed; of the expired only those that no earlier run missed."""
    is_news = row.outcome != Outcome.EXPIRED or (row.change == "vanished" and row.file_id is not None)
    if is_news and len(held) < LIMIT:
        held.append(
            FileFact(
                address=row.address,
                source=row.source,
                outcome=row.outcome,
                detail=bounded(row.detail or ""),
                check=row.check_made,
                size=row.size,
                modified_at=modified_at(row.mtime_ns).isoformat(timespec="seconds"),
            )
        )


def _list_name(made: Manifests, row: _ManifestRow) -> None:
    """Note the first names of files that each rule withholds or only lists."""
    is_folder = row.entry_type == "directory" and row.rule != "directory"
    if row.outcome in NOT_HERE or is_folder:
        return
    held = made.names.setdefault((row.treatment, row.rule), [])
    if len(held) < EXAMPLES:
        held.append(file_address(row.home_id, row.path, None))


def _list_tail(made: Manifests, row: _ManifestRow, length: int, *, is_log: bool) -> None:
    if is_log:
        made.log_tails += 1
        made.log_tail_bytes += length
        return
    made.tail_count += 1
    made.tail_bytes += length
    if len(made.tails) < LIMIT:
        made.tails.append(TailFact(f"{row.address}@{row.watermark}+{length}", row.source, length))


def log_patterns() -> list[str]:
    """Return the rules of log files: their last event is not counted yet, because a later line may continue it."""
    return [shape.pattern for source in sources().values() for shape in source.shapes if shape.reading is Reading.LOG]
