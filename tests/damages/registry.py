"""The damages by code, and their building blocks."""

from collections.abc import Callable

from models.finding import Level
from models.findings import all_kinds
from models.run import RunRecord
from tests.archives import Archive

Damage = Callable[[Archive], object]
DAMAGES: dict[str, Damage] = {}
"""The damage for each code."""


def damage(code: str) -> Callable[[Damage], Damage]:
    """Register the decorated function as the damage for a code."""

    def register(function: Damage) -> Damage:
        assert code not in DAMAGES
        DAMAGES[code] = function
        return function

    return register


def level_of(code: str) -> Level:
    """Return the level of `extract verify` that looks for a code."""
    (level,) = [kind.level for kind in all_kinds() if kind.code == code]
    assert isinstance(level, Level)
    return level


def flip_in(name: str) -> Damage:
    """Flip a bit in a file below the data directory; `*` matches one name."""

    def function(archive: Archive) -> None:
        archive.flip(max(archive.layout.root.glob(name)))

    return function


def remove(name: str) -> Damage:
    """Remove a file below the data directory."""

    def function(archive: Archive) -> None:
        max(archive.layout.root.glob(name)).unlink()

    return function


def reseal(name: str, **fields: str | int | None) -> Damage:
    """Change fields of a record and write it with a correct checksum."""

    def function(archive: Archive) -> None:
        archive.seal(archive.layout.root / name, dict(fields))

    return function


def record(change: Callable[[RunRecord], object], number: int = -1) -> Damage:
    """Change a commit record."""

    def function(archive: Archive) -> None:
        archive.edit(change, number)

    return function


def fields_of_record(**fields: str | None) -> Damage:
    """Change fields of the newest commit record."""

    def change(run: RunRecord) -> None:
        for name, value in fields.items():
            setattr(run, name, value)

    return record(change)


def cell(table: str, column: str, change: Callable[[object], object], *, part: int = 0, row: int = 0) -> Damage:
    """Change one value of a Parquet file, and its size and digest in the commit record."""

    def function(archive: Archive) -> None:
        archive.rewrite(table, lambda rows: rows[row].update({column: change(rows[row][column])}), part)

    return function


def rows(table: str, change: Callable[[list[dict[str, object]]], object], *, part: int = 0) -> Damage:
    """Change the rows of a Parquet file, and its size and digest in the commit record."""

    def function(archive: Archive) -> None:
        archive.rewrite(table, change, part)

    return function


def more(value: object) -> int:
    """Return one more than a number."""
    assert isinstance(value, int)
    return value + 1


def row_where(table: str, column: str, value: object, target: str, change: Callable[[object], object]) -> Damage:
    """Change the column `target` in the first row, in any Parquet file of a table, whose `column` has this value."""

    def function(archive: Archive) -> None:
        for number in range(20):
            found = [row for row, held in enumerate(archive.rows(table, number)) if held[column] == value]
            if found:
                cell(table, target, change, part=number, row=found[0])(archive)
                return

    return function


def set_to(value: object) -> Callable[[object], object]:
    """Return a function that returns `value` for every argument."""
    return lambda _: value


def sources_of(run: RunRecord) -> list[tuple[str, str]]:
    """Return home and source of all counts in a commit record."""
    return [(phase.home_id, source) for phase in run.phases for source in phase.sources]


def count_more(what: str) -> Damage:
    """Add one to a count of the source history in the newest commit record."""

    def change(run: RunRecord) -> None:
        counts = next(phase.sources["history"] for phase in run.phases if "history" in phase.sources)
        setattr(counts, what, getattr(counts, what) + 1)

    return record(change)
