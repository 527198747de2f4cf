"""The outcomes that files of SQL name are those that a manifest can have."""

import re
from pathlib import Path

import pytest

from models.manifest import Outcome

ROOT = Path(__file__).resolve().parents[2]
FILES = [path for path in sorted((ROOT / "pipelines" / "warehouse").rglob("*.sql")) if "manifest" in path.read_text()]
_COMPARED = re.compile(r"\boutcome (?:=|<>|(?:not )?in) \(?((?:'[^']*'(?:, )?)+)", re.IGNORECASE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_sql_over_the_manifest_names_only_outcomes_that_exist(path: Path) -> None:
    named = {word for found in _COMPARED.findall(path.read_text()) for word in re.findall(r"'([^']*)'", found)}
    assert named <= set(Outcome)


def test_the_files_over_the_manifest_are_found() -> None:
    assert {"files", "inventory"} <= {path.stem for path in FILES}
    assert any(_COMPARED.search(path.read_text()) for path in FILES)
