"""The warehouse is brought up to date where it stands only when its tables are exactly those that would be made."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from models.errors import LoadError
from pipelines import load
from pipelines.archive import read_runs
from pipelines.layout import Layout
from pipelines.load import build_warehouse, extend_warehouse
from tests.command_line import make_home
from tests.support import extract

pytestmark = pytest.mark.duckdb


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ((), True),
        (("ALTER TABLE prompts ALTER prompt TYPE BLOB USING encode(prompt)",), False),
        (("ALTER TABLE prompts ALTER byte_length TYPE INTEGER",), False),
        (("ALTER TABLE prompts ADD COLUMN more VARCHAR",), False),
        (("ALTER TABLE prompts RENAME prompt TO said",), False),
    ],
)
def test_a_warehouse_with_columns_of_another_name_or_type_is_made_anew(
    tmp_path: Path, changes: Sequence[str], is_taken: bool
) -> None:
    layout, target = Layout(tmp_path / "data"), tmp_path / "held.duckdb"
    extract(layout.root, make_home(tmp_path / "home"))
    build_warehouse(layout, read_runs(layout), target)
    with duckdb.connect(str(target)) as connection:
        for change in changes:
            connection.execute(change)
    assert extend_warehouse(layout, read_runs(layout), target) is is_taken


def test_a_warehouse_that_needs_more_memory_than_usual_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, target = Layout(tmp_path / "data"), tmp_path / "made.duckdb"
    extract(layout.root, make_home(tmp_path / "home"))
    monkeypatch.setattr(load, "_MEMORY", "1MB")
    build_warehouse(layout, read_runs(layout), target)
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM prompts").fetchone() == (True,)
    monkeypatch.setattr(load, "_MORE_MEMORY", ("1MB",))
    target.unlink()
    with pytest.raises(LoadError, match="Out of Memory"):
        build_warehouse(layout, read_runs(layout), target)
