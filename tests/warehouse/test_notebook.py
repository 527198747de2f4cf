"""The warehouse as notebooks open it."""

import polars as pl
import pyarrow as pa
import pytest

from models.errors import ConfigurationError
from pipelines.archive.archive import read_runs, writing
from pipelines.disk.layout import Layout
from pipelines.warehouse import OpenWarehouse, open_warehouse
from pipelines.warehouse.publish import make_warehouse
from tests.conversations import Talk, write_home
from tests.support import extract


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> OpenWarehouse:
    place = tmp_path_factory.mktemp("notebook")
    talk = Talk()
    talk.prompt("spin")
    talk.answer("m", "spun", output=7)
    write_home(place / "home", [talk])
    extract(place / "data", place / "home")
    layout = Layout(place / "data")
    with writing(layout, "test"):
        make_warehouse(layout, read_runs(layout), keep=0)
    return open_warehouse(place / "data")


def test_a_view_is_a_lazy_frame_an_arrow_table_and_a_relation(warehouse: OpenWarehouse) -> None:
    lazy = warehouse.lazy("token_usage")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.select(pl.col("output_tokens").sum()).collect().item() == 7
    table = warehouse.arrow("user_prompts")
    assert isinstance(table, pa.Table)
    assert table.column("prompt_text").to_pylist() == ["spin"]
    assert warehouse.relation("sessions").fetchall()[0][1] == Talk().session


def test_comments_come_with_the_names_and_with_arrow(warehouse: OpenWarehouse) -> None:
    assert warehouse.names()["token_usage"].startswith("One row for each billed part")
    assert warehouse.columns("token_usage")["model_id"].startswith("One name for all spellings")
    field = warehouse.arrow("token_usage").schema.field("model_id")
    assert (field.metadata or {})[b"comment"].startswith(b"One name for all spellings")


def test_the_bytes_of_a_row_are_those_of_its_entry(warehouse: OpenWarehouse) -> None:
    row = warehouse.lazy("user_prompts").collect().row(0, named=True)
    found = warehouse.bytes_of(row)
    assert found.endswith(b"\n")
    assert b'"content": "spin"' in found
    with pytest.raises(ConfigurationError, match="no address"):
        warehouse.bytes_of({"session_id": "x"})


def test_another_name_is_refused(warehouse: OpenWarehouse) -> None:
    with pytest.raises(ConfigurationError, match="no table or view 'nothing'"):
        warehouse.relation("nothing")
