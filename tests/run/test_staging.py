"""Every engine in use reads Parquet rows as they were given, however a column is encoded."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.schema import BYTES, DIGEST128, FLAG, FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, Table
from tests.support import write_part

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KINDS = {
    TEXT: TEXTS,
    JSON: TEXTS,
    INTEGER: INTEGERS,
    FLOAT: st.floats(allow_nan=False),
    FLAG: st.booleans(),
    INSTANT: st.datetimes(),
    BYTES: st.binary(),
    DIGEST128: st.binary(min_size=16, max_size=16),
}
COLUMNS = [
    *(Column(f"{kind.name}_{number}", kind, "", is_distinct=bool(number)) for kind in KINDS for number in (0, 1)),
    Column("byte_offset", INTEGER, ""),
    Column("byte_length", INTEGER, ""),
]
EVERYTHING = Table("everything", "A column of each kind.", tuple(COLUMNS), has_provenance=False)
ROWS = st.lists(st.tuples(*(st.none() | KINDS[column.type] for column in COLUMNS)), max_size=6)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts") / "some.parquet"


@settings(max_examples=25)
@given(ROWS, st.sampled_from((1, 150)))
def test_rows_are_read_as_they_were_written(place: Path, rows: list[tuple[object, ...]], times: int) -> None:
    rows = rows * times
    place.unlink(missing_ok=True)
    part = write_part(place, EVERYTHING, [EVERYTHING.row(*row) for row in rows])
    assert part.rows == len(rows)
    with pq.ParquetFile(place, page_checksum_verification=True) as file:
        columns = [column.to_pylist() for column in file.read().columns]
    assert list(zip(*columns, strict=True)) == rows
    with duckdb.connect() as connection:
        read = connection.execute("SELECT * FROM read_parquet($1)", [str(place)]).fetchall()
    assert read == rows
