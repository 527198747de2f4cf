"""What the manifest of a run says: how files stood at the end, what is withheld or only listed, what waits."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from extractors._contract import Reading
from extractors._registry import sources
from models.run import RunRecord
from models.tables import MANIFEST
from pipelines._report.facts import EXAMPLES, LIMIT, FileFact, TailFact, bounded
from pipelines._report.parts import PartReader
from pipelines._report.places import Paths, file_address
from pipelines.archive import committed_parts

NOT_HERE: Final = ("expired", "moved")
"""Outcomes of what is not among the things of its phase any more."""
NOT_PLAIN: Final = ("corrupt", "unreadable", "modified", "missing", "unexpected", "appended", "expired")
"""Outcomes whose files are named one by one, the gravest first, expired ones last. Of these only those that this
run missed first.
"""

_KEYS: Final = (
    "home_id",
    "phase",
    "treatment",
    "rule",
    "entry_type",
    "outcome",
    "check_made",
    "change",
    "atime_kept",
    "is_known",
)
_SHOWN: Final = (
    "file_id",
    "generation",
    "path",
    "source",
    "size",
    "watermark",
    "modified_at",
    "detail",
)


class Group(NamedTuple):
    """What the things of one tally have in common; `is_known` when some run read the file."""

    home_id: str
    phase: int
    treatment: str
    rule: str
    entry_type: str
    outcome: str
    check_made: str
    change: str
    atime_kept: bool | None
    is_known: bool

    @property
    def is_kept_file(self) -> bool:
        """Whether these are files of the home whose bytes are kept."""
        return self.entry_type == "file" and self.is_known and self.outcome not in ("expired", "withheld")


@dataclass(slots=True)
class Manifests:
    """The manifest of a run, tallied; `things` counts, `sizes` are bytes."""

    things: Counter[Group] = field(default_factory=Counter)
    sizes: Counter[Group] = field(default_factory=Counter)
    files: dict[str, list[FileFact]] = field(default_factory=dict)
    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    tails: list[TailFact] = field(default_factory=list)
    tail_count: int = 0
    tail_bytes: int = 0
    log_tails: int = 0
    log_tail_bytes: int = 0

    def count(self, wanted: Callable[[Group], bool]) -> int:
        """Return how many things are in the groups that are wanted."""
        return sum(count for group, count in self.things.items() if wanted(group))

    def size(self, wanted: Callable[[Group], bool]) -> int:
        """Return how many bytes the things in the groups that are wanted hold."""
        return sum(size for group, size in self.sizes.items() if wanted(group))


def read_manifests(reader: PartReader, run: RunRecord, paths: Paths) -> Manifests:
    """Tally the manifest of a run, and tell `paths` the addresses that it wants."""
    made = Manifests()
    wanted = pa.array(sorted(paths.wanted), pa.int64())
    columns = (*(name for name in _KEYS if name != "is_known"), *_SHOWN)
    for table in reader.tables(committed_parts([run], MANIFEST.name), columns):
        known = table.append_column("is_known", pc.is_valid(table["file_id"]))
        _tally(made, known)
        _list_files(made, known)
        _list_names(made, known)
        _list_tails(made, known)
        for row in known.filter(pc.is_in(known["file_id"], wanted)).to_pylist() if paths.wanted else ():
            paths.tell(row["file_id"], row["home_id"], row["path"], row["generation"])
    return made


def _tally(made: Manifests, table: pa.Table) -> None:
    grouped = table.group_by(list(_KEYS)).aggregate([("size", "sum"), ([], "count_all")])
    for row in grouped.to_pylist():
        group = Group(*(row[name] for name in _KEYS))
        made.things[group] += row["count_all"]
        made.sizes[group] += row["size_sum"] or 0


def _list_files(made: Manifests, table: pa.Table) -> None:
    for outcome in NOT_PLAIN:
        held = made.files.setdefault(outcome, [])
        is_it = pc.field("outcome") == outcome
        if outcome == "expired":
            is_it &= (pc.field("change") == "vanished") & pc.field("is_known")
        held.extend(_file_facts(table.filter(is_it).slice(0, LIMIT - len(held))))


def _file_facts(table: pa.Table) -> Iterable[FileFact]:
    for row in table.to_pylist():
        yield FileFact(
            address=file_address(row["home_id"], row["path"], row["generation"]),
            source=row["source"],
            outcome=row["outcome"],
            detail=bounded(row["detail"] or ""),
            check=row["check_made"],
            size=row["size"],
            modified_at=row["modified_at"].replace(tzinfo=UTC).isoformat(timespec="seconds"),
        )


def _list_names(made: Manifests, table: pa.Table) -> None:
    """Note the first names that each rule withholds, or lists without reading."""
    is_unread = (pc.field("treatment") == "withhold") | (pc.field("treatment") == "inventory")
    is_folder = (pc.field("entry_type") == "directory") & (pc.field("rule") != "directory")
    unread = table.filter(is_unread & ~pc.field("outcome").isin(NOT_HERE) & ~is_folder)
    for treatment, rule in {(row["treatment"], row["rule"]) for row in _distinct(unread)}:
        held = made.names.setdefault((treatment, rule), [])
        if len(held) < EXAMPLES:
            same = (pc.field("treatment") == treatment) & (pc.field("rule") == rule)
            for row in unread.filter(same).slice(0, EXAMPLES - len(held)).to_pylist():
                held.append(file_address(row["home_id"], row["path"], None))


def _distinct(table: pa.Table) -> list[dict[str, str]]:
    made: list[dict[str, str]] = table.group_by(["treatment", "rule"]).aggregate([]).to_pylist()
    return made


def _list_tails(made: Manifests, table: pa.Table) -> None:
    rest = pc.field("size") - pc.field("watermark")
    waiting = table.filter((rest > 0) & (pc.field("outcome") != "expired"))
    is_log = pc.field("rule").isin(log_patterns())
    logs, others = waiting.filter(is_log), waiting.filter(~is_log)
    made.log_tails += logs.num_rows
    made.log_tail_bytes += _rest(logs)
    made.tail_count += others.num_rows
    made.tail_bytes += _rest(others)
    for row in others.slice(0, LIMIT - len(made.tails)).to_pylist():
        length = row["size"] - row["watermark"]
        address = f"{file_address(row['home_id'], row['path'], row['generation'])}@{row['watermark']}+{length}"
        made.tails.append(TailFact(address, row["source"], length))


def _rest(table: pa.Table) -> int:
    total = sum(row["size"] - row["watermark"] for row in table.select(["size", "watermark"]).to_pylist())
    return int(total)


def log_patterns() -> list[str]:
    """Return the rules under which logs are read: their last event always waits, since a later line may continue it."""
    return [shape.pattern for source in sources().values() for shape in source.shapes if shape.reading is Reading.LOG]
