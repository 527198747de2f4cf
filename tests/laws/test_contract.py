"""Laws of every source: how it is declared, documented, and fed by fixtures. A source without a fixture fails
here.
"""

import ast
import re
from pathlib import Path

import pytest

import extractors
from extractors.home.home import Home
from extractors.reading.contract import Reading, Source
from extractors.reading.registry import PHASES, Classifier, source_tables, sources
from models.schema import unique_tables
from models.tables import RUNNER_TABLES
from models.text import printable_path
from pipelines.warehouse.schema import warehouse_tables
from tests.support import fixture_homes

PACKAGE = Path(str(extractors.__file__)).parent
MODULES = sorted(path for path in PACKAGE.glob("*.py") if path.name != "__init__.py")


@pytest.fixture(scope="module")
def shapes_met() -> set[tuple[str, int]]:
    """Source and number of each shape that some fixture home has a file for."""
    classifier = Classifier()
    met = set()
    for home in fixture_homes():
        with Home(home) as opened:
            for found in opened.walk():
                place = classifier.place(printable_path(found.path), found.kind)
                met.add((place.source, place.shape))
    return met


@pytest.mark.parametrize("source", sources().values(), ids=lambda source: source.name)
def test_a_source_has_a_phase_a_title_shapes_and_tables(source: Source) -> None:
    assert source.phase in PHASES
    assert source.title
    assert source.shapes
    assert source.tables
    assert re.fullmatch(r"[a-z][a-z-]*", source.name)


@pytest.mark.parametrize("source", sources().values(), ids=lambda source: source.name)
def test_every_table_and_column_of_a_source_has_a_sentence(source: Source) -> None:
    for table in source.tables:
        assert table.comment.endswith("."), table.name
        for column in table.columns:
            assert column.comment.rstrip(")").endswith((".", '"', "…")), f"{table.name}.{column.name}"
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)


@pytest.mark.parametrize("source", sources().values(), ids=lambda source: source.name)
def test_every_shape_of_a_source_has_a_fixture(source: Source, shapes_met: set[tuple[str, int]]) -> None:
    missing = [
        shape.pattern
        for number, shape in enumerate(source.shapes)
        if (source.name, number) not in shapes_met and shape.reading is not Reading.DIRECTORY
    ]
    assert missing == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_source_says_what_it_reads_and_imports_no_other_source(module: Path) -> None:
    tree = ast.parse(module.read_text())
    assert ast.get_docstring(tree)
    own = module.stem
    others = {path.stem for path in MODULES} - {own}
    for node in ast.walk(tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert name.removeprefix("extractors.") not in others, f"{own} imports {name}"


def test_column_names_have_one_meaning_in_every_table_of_the_warehouse() -> None:
    tables = unique_tables([*warehouse_tables(), *RUNNER_TABLES, *source_tables(sources().values())])
    assert len(tables) > 20


def test_every_instant_says_so_in_its_name() -> None:
    for table in warehouse_tables():
        for column in table.columns:
            if column.type.name == "instant":
                assert column.name.endswith("_at"), f"{table.name}.{column.name}"
            if column.type.name == "flag":
                assert column.name.startswith(("is_", "has_", "was_", "in_")) or column.name.endswith("_kept"), (
                    column.name
                )
