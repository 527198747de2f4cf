"""Builds, checks and publishes the warehouse. Each warehouse is a file named after its run; publishing points a
symbolic link at the newest one.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from models.errors import FixityError, LoadError
from models.run import RunRecord, WarehouseRecord
from models.tables import MESSAGES, REJECTS
from pipelines.archive.machines import unit_layout, useless_units, with_units
from pipelines.disk import platform
from pipelines.disk.atomic import digests_of, disk_errors, sha256_of, sync_file, xxh3_of
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.warehouse.edition import edition
from pipelines.warehouse.engine import quoted, remove_database
from pipelines.warehouse.load import build_warehouse, damaged_parts, extend_warehouse
from pipelines.warehouse.opened import open_warehouse as open_warehouse
from pipelines.warehouse.schema import warehouse_tables


@dataclass(frozen=True, slots=True)
class Published:
    """A published warehouse: its file, its size in bytes, its SHA-256 and XXH3-128, the number of quarantined entries
    of all runs, and the paths of damaged parts, from which nothing was loaded.
    """

    path: Path
    size: int
    sha256: str
    xxh3: str
    quarantined: int
    left_out: Sequence[str] = ()

    def record(self, layout: Layout) -> WarehouseRecord:
        """Return its entry for the commit record of a run."""
        path = layout.relative(self.path)
        return WarehouseRecord(path, self.size, self.sha256, self.quarantined, edition(), self.xxh3)


def make_warehouse(layout: Layout, runs: Sequence[RunRecord], *, keep: int, is_anew: bool = False) -> Published:
    """Build the warehouse of `runs`, named after the newest of them, check it, and publish it.

    If the published warehouse was built from some of these runs, later runs are added to a copy of it. Otherwise, or
    with `is_anew`, all undamaged parts are loaded into a new file. The newest `keep` older files are not deleted: other
    programs may have them open. The runs pulled from other machines are loaded too; a machine whose runs cannot be
    loaded is left out and its directory is named. Raises LoadError; the former warehouse then stays published.
    """
    try:
        return _make_warehouse(layout, runs, with_units(layout, runs), keep=keep, is_anew=is_anew)
    except LoadError:
        if not (useless := useless_units(layout, _try_unit)):
            raise
    runs_of_all = with_units(layout, runs, useless)
    made = _make_warehouse(layout, runs, runs_of_all, keep=keep, is_anew=True)
    left_out = [layout.relative(unit_layout(layout, machine_id).root) for machine_id in useless]
    return replace(made, left_out=[*made.left_out, *left_out])


def _try_unit(layout: Layout, runs: Sequence[RunRecord]) -> bool:
    """Return whether a warehouse can be built of the runs of one unit alone."""
    building = layout.warehouses / "unit.tmp.duckdb"
    remove_database(building)
    try:
        build_warehouse(layout, runs, building)
        check_warehouse(building, runs)
    except (LoadError, FixityError):
        return False
    finally:
        remove_database(building)
    return True


def _make_warehouse(
    layout: Layout, own: Sequence[RunRecord], runs: Sequence[RunRecord], *, keep: int, is_anew: bool
) -> Published:
    """Make the warehouse of `runs`, including those of the units, as `make_warehouse` does; it is named after the
    newest of `own`.
    """
    newest = (own or runs)[-1].run_id
    final, building = layout.warehouse_of(newest), layout.warehouse_being_built(newest)
    remove_database(building)
    with disk_errors():
        made = None if is_anew else _extend_published(layout, runs, building)
        left_out: list[str] = []
        is_new = made is None
        if made is None:
            remove_database(building)
            left_out = _build_of_sound_parts(layout, runs, building)
            made = _check_and_digest(building, _without(runs, left_out), is_partial=bool(left_out))
        published = Published(final, building.stat().st_size, *made.digests, made.quarantined, left_out)
        _publish(layout, building, final)
        _delete_older(layout, final, keep, runs if is_new else ())
    return published


def _build_of_sound_parts(layout: Layout, runs: Sequence[RunRecord], building: Path) -> list[str]:
    """Load all undamaged parts into a new file; returns the paths of the damaged ones."""
    try:
        build_warehouse(layout, runs, building)
    except FixityError:
        damaged = damaged_parts(layout, runs)
        remove_database(building)
        build_warehouse(layout, _without(runs, damaged), building)
        return damaged
    return []


def _without(runs: Sequence[RunRecord], paths: Collection[str]) -> Sequence[RunRecord]:
    """Return runs without some of their parts."""
    if not paths:
        return runs
    return [
        replace(
            run,
            phases=[
                replace(phase, parts=[part for part in phase.parts if part.path not in paths]) for phase in run.phases
            ],
        )
        for run in runs
    ]


def _extend_published(layout: Layout, runs: Sequence[RunRecord], building: Path) -> "_Checked | None":
    """Copy the published warehouse to `building` and add the later runs; returns None if it cannot be extended or the
    result fails the check.

    Compares the digest of the copy with the commit record, so that damage of the published file is not copied.
    """
    if not layout.warehouse.exists():
        return None
    published = layout.warehouse.resolve()
    records = [run.warehouse for run in runs if run.warehouse is not None]
    expected = next(
        (record for record in reversed(records) if (layout.root / record.path).resolve() == published), None
    )
    if expected is None:
        return None
    platform.copy_file(published, building)
    if not _is_as_recorded(building, expected):
        return None
    try:
        if not extend_warehouse(layout, runs, building):
            return None
        return _check_and_digest(building, runs)
    except (LoadError, FixityError):
        return None


def _is_as_recorded(path: Path, record: WarehouseRecord) -> bool:
    """Whether a copy of a warehouse has the bytes of its record, by XXH3-128 if that has it: at some five times the
    speed of SHA-256, since the file grows with the archive, and each run copies it.
    """
    return xxh3_of(path) == record.xxh3 if record.xxh3 else sha256_of(path) == record.sha256


@dataclass(frozen=True, slots=True)
class _Checked:
    """The SHA-256 and XXH3-128 of a checked warehouse, and its number of quarantined entries."""

    digests: tuple[str, str]
    quarantined: int


def _check_and_digest(building: Path, runs: Sequence[RunRecord], *, is_partial: bool = False) -> _Checked:
    """Check a new warehouse, and digest it meanwhile. Raises LoadError as `check_warehouse` does."""
    if building.with_name(building.name + ".wal").exists():
        raise LoadError("the new warehouse has a write-ahead log, so it is incomplete; it was not published")
    with ThreadPoolExecutor(1) as beside:
        digest = beside.submit(digests_of, building)
        quarantined = check_warehouse(building, runs, is_partial=is_partial)
    return _Checked(digest.result(), quarantined)


def _publish(layout: Layout, building: Path, final: Path) -> None:
    reach("publish:before-fsync")
    sync_file(building)
    building.chmod(0o400)
    reach("publish:before-rename")
    platform.replace(building, final)
    platform.fsync_directory(layout.warehouses)
    reach("publish:before-link")
    platform.link_or_copy(f"{layout.warehouses.name}/{final.name}", layout.warehouse)
    reach("publish:after-link")


def _delete_older(layout: Layout, newest: Path, keep: int, runs: Sequence[RunRecord]) -> None:
    """Delete the older warehouses but `keep`, and of these the ones whose bytes are not those in the record of one of
    `runs`: nothing builds an older warehouse again, so `extract verify` would report it until it is deleted.
    """
    older = [path for path in reversed(layout.built_warehouses()) if path != newest]
    for path in {*older[keep:], *changed_warehouses(layout, runs)} - {newest}:
        path.unlink()


def changed_warehouses(layout: Layout, runs: Sequence[RunRecord]) -> list[Path]:
    """Return the warehouses whose bytes are not those in the record of the one of `runs` that made them. Raises
    OSError.
    """
    recorded = {layout.root / run.warehouse.path: run.warehouse.sha256 for run in runs if run.warehouse is not None}
    return [path for path in layout.built_warehouses() if path in recorded and sha256_of(path) != recorded[path]]


def remove_warehouses(layout: Layout) -> None:
    """Remove every warehouse and the link to the newest, also from the disk: they hold rows that must go."""
    layout.warehouse.unlink(missing_ok=True)
    for path in layout.warehouses.iterdir():
        path.unlink()
    platform.fsync_directory(layout.warehouses)
    platform.fsync_directory(layout.root)


def check_warehouse(path: Path, runs: Sequence[RunRecord], *, is_partial: bool = False) -> int:
    """Raise LoadError if a warehouse has other numbers of rows than the commit records, or if keys are not unique or
    refer to nothing. With `is_partial` (damaged parts were left out or retired), keys may refer to missing rows.
    Returns the number of quarantined entries.
    """
    is_partial = is_partial or any(phase.retired for run in runs for phase in run.phases)
    with duckdb.connect(str(path), read_only=True) as connection:
        counts = _counts(connection)
        problems = [*_count_problems(counts, runs), *_key_problems(connection, is_partial=is_partial)]
    if problems:
        raise LoadError("the new warehouse differs from the committed files: " + "; ".join(problems))
    return counts[REJECTS.name]


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of rows of each table."""
    names = [table.name for table in warehouse_tables()]
    counted = " UNION ALL ".join(f'SELECT {quoted(name)}, count(*) FROM "{name}"' for name in names)
    return dict(connection.execute(counted).fetchall())


def _count_problems(counts: Mapping[str, int], runs: Sequence[RunRecord]) -> list[str]:
    committed: dict[str, int] = {}
    for run in runs:
        for phase in run.phases:
            for part in phase.parts:
                committed[part.table] = committed.get(part.table, 0) + part.rows
    problems = []
    for table in warehouse_tables():
        count, expected = counts[table.name], committed.get(table.name)
        if expected is not None and count > expected:
            problems.append(f"{table.name} has {count} rows, {expected} were committed")
        if expected is not None and count < expected and not table.has_provenance and table is not MESSAGES:
            problems.append(f"{table.name} has {count} rows, {expected} were committed")
    return problems


_KEYS = (
    ("messages.message_id is not unique", "SELECT message_id FROM messages GROUP BY 1 HAVING count(*) > 1 LIMIT 1"),
    ("files.file_id is not unique", "SELECT file_id FROM files GROUP BY 1 HAVING count(*) > 1 LIMIT 1"),
    (
        "entries read differ from entries with rows and rejects",
        "SELECT 1 FROM extractions WHERE entry_count <> entries_with_rows + reject_count LIMIT 1",
    ),
)
_LINKS = (
    ("an occurrence has no message", "SELECT 1 FROM occurrences o ANTI JOIN messages m USING (message_id) LIMIT 1"),
    ("an entry has no file", "SELECT 1 FROM entries e ANTI JOIN files f USING (file_id) LIMIT 1"),
)


def _key_problems(connection: duckdb.DuckDBPyConnection, *, is_partial: bool) -> list[str]:
    keys = _KEYS if is_partial else (*_KEYS, *_LINKS)
    return [sentence for sentence, query in keys if connection.execute(query).fetchone() is not None]
