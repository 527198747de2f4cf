"""Rows become Parquet as they were given, in their order."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.registry import sources
from extractors.todos import TODO_LISTS, TODOS
from models.schema import Row, Table, table_of
from tests.support import sink_in

KINDS = {"text": st.text(max_size=3), "integer": st.integers(-(2**63), 2**63 - 1), "flag": st.booleans()}


def rows_of(table: Table) -> st.SearchStrategy[Row]:
    """Rows of a table, most of their cells NULL where that is allowed."""
    cells = [KINDS.get(column.type.name, st.none()) for column in table.columns]
    may_lack = (
        cell if column.required else st.none() | cell for cell, column in zip(cells, table.columns, strict=True)
    )
    return st.tuples(*may_lack).map(table.row_of)


@given(entries=st.lists(st.lists(rows_of(TODOS) | rows_of(TODO_LISTS), max_size=4), max_size=6))
def test_rows_come_out_as_they_went_in(tmp_path_factory: pytest.TempPathFactory, entries: list[list[Row]]) -> None:
    sink = sink_in(tmp_path_factory.mktemp("staging") / "sink")
    for number, rows in enumerate(entries):
        sink.entry(7, number * 10, 10, "entry", rows)
    read = {part.table: pq.read_table(part.path, partitioning=None).to_pylist() for part in sink.close()}
    assert [(one["byte_offset"], one["row_count"]) for one in read.get("entries", [])] == [
        (number * 10, len(rows)) for number, rows in enumerate(entries)
    ]
    for table in (TODOS, TODO_LISTS):
        names = [column.name for column in table.columns]
        assert [(tuple(one[name] for name in names), one["byte_offset"]) for one in read.get(table.name, [])] == [
            (tuple(row), number * 10) for number, rows in enumerate(entries) for row in rows if table_of(row) is table
        ]


def test_a_row_of_all_cells_is_the_row_of_its_columns() -> None:
    for table in (table for source in sources().values() for table in source.tables):
        named = table.row(**{column.name: number for number, column in enumerate(table.columns)})
        assert table.row_of(range(len(table.columns))) == named
        assert table_of(table.row_of(named)) is table


@pytest.mark.parametrize("cells", [1, len(TODOS.columns) - 1, len(TODOS.columns) + 1])
def test_a_row_that_lacks_cells_or_has_too_many_is_refused(tmp_path: Path, cells: int) -> None:
    sink = sink_in(tmp_path / "sink")
    sink.entry(7, 0, 10, "entry", [TODOS.row_of([None] * cells)])
    with pytest.raises(TypeError, match="todos"):
        sink.close()
