"""A load updates a copy of the published warehouse only if it has exactly the tables of this version.
The tasks of a load run in two threads, and get more memory where they lack it.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import LoadError
from pipelines.archive.archive import read_runs
from pipelines.disk.layout import Layout
from pipelines.warehouse import load
from pipelines.warehouse.engine import apart, building
from pipelines.warehouse.engine_types import ENGINE_TYPES
from pipelines.warehouse.given_rows import rows_query
from pipelines.warehouse.load import build_warehouse, extend_warehouse
from pipelines.warehouse.parallel import Task, do_tasks
from pipelines.warehouse.schema import create_tables, warehouse_tables, warehouse_views
from pipelines.warehouse.sql_files import DerivedTable, derived_tables, macros
from tests.command_line import make_home
from tests.support import extract

pytestmark = pytest.mark.duckdb


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, Path]:
    """An archive and its warehouse, which tests must not change."""
    base = tmp_path_factory.mktemp("made")
    layout, target = Layout(base / "data"), base / "made.duckdb"
    extract(layout.root, make_home(base / "home"))
    build_warehouse(layout, read_runs(layout), target)
    return layout, target


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ((), True),
        (("ALTER TABLE prompts ALTER prompt TYPE BLOB USING encode(prompt)",), False),
        (("ALTER TABLE prompts ALTER byte_length TYPE INTEGER",), False),
        (("ALTER TABLE prompts ADD COLUMN more VARCHAR",), False),
        (("ALTER TABLE prompts RENAME prompt TO said",), False),
        (("CREATE OR REPLACE MACRO derived_digest() AS 'of other queries'",), False),
        (("DROP MACRO derived_digest",), False),
    ],
)
def test_a_warehouse_with_columns_of_another_name_or_type_or_of_other_queries_is_made_anew(
    made: tuple[Layout, Path], tmp_path: Path, changes: Sequence[str], is_taken: bool
) -> None:
    layout, target = made[0], tmp_path / "held.duckdb"
    shutil.copy(made[1], target)
    with duckdb.connect(str(target)) as connection:
        for change in changes:
            connection.execute(change)
    assert extend_warehouse(layout, read_runs(layout), target) is is_taken


def test_each_declared_type_is_the_one_that_duckdb_gives_a_column_of_it() -> None:
    kinds = {kind.name: kind for kind in ENGINE_TYPES}
    shape = pa.schema([pa.field(name, kind.arrow) for name, kind in kinds.items()]).empty_table()
    with duckdb.connect() as connection:
        connection.register("shape", shape)
        described = connection.execute("DESCRIBE SELECT * FROM shape").fetchall()
    found = {name: kind for name, kind, *_ in described}
    assert found == {name: ENGINE_TYPES[kind] for name, kind in kinds.items()} | {"instant": "TIMESTAMP"}
    used = {column.type for table in warehouse_tables() for column in table.all_columns}
    assert used <= ENGINE_TYPES.keys()


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.text(),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none() | st.booleans(),
        )
    )
)
def test_rows_given_to_duckdb_come_back_as_they_were(
    connection: duckdb.DuckDBPyConnection, rows: list[tuple[str | None, int | None, float | None, bool | None]]
) -> None:
    types = {"text": "VARCHAR", "integer": "BIGINT", "float": "DOUBLE", "flag": "BOOLEAN"}
    assert connection.execute(f"FROM {rows_query(types, rows)}").fetchall() == rows


def test_what_is_done_apart_gets_more_memory_where_it_needs_it(tmp_path: Path) -> None:
    made = "SELECT len(list(i)) FROM range(2_000_000) t(i)"
    layout = Layout(tmp_path / "data")
    layout.prepare()
    with building(layout, tmp_path / "made.duckdb", "4MB") as connection:
        connection.execute("CREATE TABLE counted (numbers BIGINT)")
        apart(connection, lambda: connection.execute(f"INSERT INTO counted {made}"))
        assert connection.execute("SELECT current_setting('memory_limit') LIKE '3.% MiB'").fetchone() == (True,)
        assert connection.execute("FROM counted").fetchall() == [(2_000_000,)]


def test_what_is_done_side_by_side_is_all_done_though_two_at_once_may_lack_memory(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    layout.prepare()
    with building(layout, tmp_path / "made.duckdb", "4MB") as connection:
        connection.execute("CREATE TABLE counted (name BIGINT, numbers BIGINT)")

        def count(name: int, own: duckdb.DuckDBPyConnection) -> None:
            numbers = 2_000_000 if name % 3 == 0 else 10
            own.execute(f"INSERT INTO counted SELECT {name}, len(list(i)) FROM range({numbers}) t(i)")

        do_tasks(connection, [Task(str(name), partial(count, name)) for name in range(12)])
        assert connection.execute("SELECT name, numbers FROM counted ORDER BY name").fetchall() == [
            (name, 2_000_000 if name % 3 == 0 else 10) for name in range(12)
        ]
    with duckdb.connect(str(tmp_path / "made.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (12,)


@pytest.mark.parametrize("failing", range(3))
def test_when_one_parallel_task_fails_it_is_reported_and_the_rest_is_left(tmp_path: Path, failing: int) -> None:
    layout, begun = Layout(tmp_path / "data"), list[int]()
    layout.prepare()
    both_at_work = Barrier(2, timeout=30)

    def work(name: int, own: duckdb.DuckDBPyConnection) -> None:
        begun.append(name)
        if name < 2:
            both_at_work.wait()
        own.execute("SELECT 1" if name != failing else "SELECT * FROM nowhere")

    with pytest.raises(LoadError, match="nowhere"), building(layout, tmp_path / "made.duckdb", "160MB") as connection:
        do_tasks(connection, [Task(str(name), partial(work, name)) for name in range(100_000)])
    assert {0, 1, failing} <= set(begun)
    assert len(begun) < 100_000


def test_a_task_begins_after_those_it_needs_though_one_of_them_lacks_memory(tmp_path: Path) -> None:
    layout, ended = Layout(tmp_path / "data"), list[int]()
    layout.prepare()
    needs = {5: {4, 3}, 4: {0}, 3: {0, 1}, 2: {5}, 1: set(), 0: set()}

    def work(name: int, own: duckdb.DuckDBPyConnection) -> None:
        assert needs[name] <= set(ended)
        own.execute(f"SELECT len(list(i)) FROM range({2_000_000 if name == 0 else 10}) t(i)").fetchall()
        ended.append(name)

    with building(layout, tmp_path / "made.duckdb", "4MB") as connection:
        do_tasks(
            connection,
            [Task(str(name), partial(work, name), frozenset(map(str, needed))) for name, needed in needs.items()],
        )
    assert sorted(ended) == sorted(needs)


def test_tasks_that_need_one_another_are_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    layout.prepare()
    tasks = [
        Task("one", lambda own: own.execute("SELECT 1"), frozenset({"other"})),
        Task("other", lambda own: own.execute("SELECT 1"), frozenset({"one"})),
    ]
    with (
        pytest.raises(TypeError, match="one, other"),
        building(layout, tmp_path / "made.duckdb", "160MB") as connection,
    ):
        do_tasks(connection, tasks)


@pytest.mark.parametrize("derived", derived_tables(), ids=lambda derived: derived.table.name)
def test_a_derived_table_reads_no_other_than_those_that_are_found_in_its_query(
    tmp_path: Path, derived: DerivedTable
) -> None:
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        connection.execute("BEGIN")
        create_tables(connection)
        connection.execute(macros())
        for view in warehouse_views():
            if view.name in derived.reads:
                connection.execute(f'CREATE VIEW "{view.name}" AS {view.query}')
        for other in derived_tables():
            if other is not derived and other.table.name not in derived.reads:
                connection.execute(f'DROP TABLE "{other.table.name}"')
        connection.execute(f"EXPLAIN {derived.insert}")


def test_a_warehouse_that_needs_more_memory_than_usual_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, target = Layout(tmp_path / "data"), tmp_path / "made.duckdb"
    extract(layout.root, make_home(tmp_path / "home"))
    monkeypatch.setattr(load, "_LARGE_TABLE_BYTES", 0)
    monkeypatch.setattr(load, "MEMORY", ("1MB", "512MB"))
    build_warehouse(layout, read_runs(layout), target)
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM prompts").fetchone() == (True,)
    monkeypatch.setattr(load, "MEMORY", ("1MB",))
    target.unlink()
    with pytest.raises(LoadError, match="Out of Memory"):
        build_warehouse(layout, read_runs(layout), target)


def test_a_text_that_two_workers_wrote_is_there_once(tmp_path: Path) -> None:
    layout, target = Layout(tmp_path / "data"), tmp_path / "made.duckdb"
    extract(layout.root, make_home(tmp_path / "home"))
    (run,) = read_runs(layout)
    texts = [(phase, part) for phase in run.phases for part in phase.parts if part.table == "message_texts"]
    phase, part = max(texts, key=lambda each: each[1].rows)
    twin = layout.root / part.path.replace("phase-", "twin-")
    twin.write_bytes((layout.root / part.path).read_bytes())
    phase.parts.append(replace(part, path=layout.relative(twin)))
    build_warehouse(layout, [run], target)
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT message_id) FROM message_texts").fetchall() == [
            (sum(part.rows for _, part in texts),) * 2
        ]
