"""Kinds of faults that people report: one home with a session for each of them, made as Claude Code writes it, and the
expected answers of the warehouse, counted by hand.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.refresh import inputs_of
from pipelines.warehouse.sql_files import derived_tables
from tests.conversations import session_id
from tests.support import extract, warehouse_of
from tests.warehouse import kinds_of_agents, kinds_of_records, kinds_of_sessions, kinds_of_talk
from tests.warehouse.kinds import KINDS

pytestmark = pytest.mark.duckdb

MODULES = (kinds_of_talk, kinds_of_sessions, kinds_of_records, kinds_of_agents)
"""They register their kinds when they are imported."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of one home with all kinds."""
    place = tmp_path_factory.mktemp("kinds")
    for number, kind in enumerate(KINDS):
        kind.build(place / "home", 1000 + 10 * number)
    extract(place / "data", place / "home")
    with warehouse_of(place / "data") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize("number", range(len(KINDS)), ids=[kind.build.__name__ for kind in KINDS])
def test_each_kind_of_fault_is_answered_rightly(warehouse: duckdb.DuckDBPyConnection, number: int) -> None:
    found = {}
    for sql in KINDS[number].answers:
        query = sql
        for place, name in enumerate("stu"):
            query = query.replace(f":{name}", f"'{session_id(1000 + 10 * number + place)}'")
        found[sql] = [tuple(row) for row in warehouse.execute(query).fetchall()]
    assert found == KINDS[number].answers


def test_a_derived_table_without_input_has_no_rows(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ((path,),) = warehouse.execute("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()
    copied = shutil.copy(path, tmp_path / "warehouse.duckdb")
    filled = set()
    with duckdb.connect(copied, config={"threads": "1"}) as connection:
        for derived in derived_tables():
            connection.execute("BEGIN")
            for name in inputs_of(derived):
                if connection.execute(f'DELETE FROM "{name}"').fetchall() != [(0,)]:
                    filled.add(name)
            assert connection.execute(f"SELECT count(*) FROM ({derived.query})").fetchall() == [(0,)], (
                derived.table.name
            )
            connection.execute("ROLLBACK")
    assert len(filled) > 20


def test_the_parts_of_the_responses_add_up_and_are_all_priced_or_listed(warehouse: duckdb.DuckDBPyConnection) -> None:
    sums = "count(DISTINCT response_key), sum(output_tokens)::int, sum(coalesce(input_tokens, 0))::int"
    whole = warehouse.execute(f"SELECT {sums} FROM responses WHERE NOT is_copy AND NOT is_synthetic").fetchone()
    assert (
        whole == warehouse.execute(f"SELECT {sums} FROM token_usage WHERE part IN ('message', 'fallback')").fetchone()
    )
    unassigned = warehouse.execute(
        "SELECT count(*) FROM records ANTI JOIN record_copies USING (file_id, byte_offset) "
        "ANTI JOIN (SELECT run_file_id AS file_id, unnest(byte_offsets) AS byte_offset FROM responses) "
        "USING (file_id, byte_offset) WHERE input_tokens + output_tokens > 0"
    ).fetchone()
    listed = "SELECT count(*) FROM usage_without_response WHERE stated_by = 'record'"
    assert unassigned == warehouse.execute(listed).fetchone() == (1,)
    assert warehouse.execute(
        "SELECT count(*) FROM token_usage WHERE (cost_usd IS NULL) <> (price_basis IN ('no price', 'no tokens'))"
    ).fetchone() == (0,)
