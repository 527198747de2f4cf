"""The notebooks with Altair, executed on one archive with hostile texts."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.command_line import ROOT

NAMES = ("usage", "project", "tools", "integrity")
EXECUTE = """
import json, os, sys
import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell, made = InteractiveShell.instance(), {}
for path in sys.argv[1:]:
    shell.reset(new_session=False)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output() as said:
                ended = shell.run_cell(cell.source)
            error = ended.error_before_exec or ended.error_in_exec
            made[f"{os.path.basename(path)} {cell.id}"] = {
                "error": error and repr(error),
                "printed": said.stdout,
                "shown": [output.data for output in said.outputs],
            }
json.dump(made, sys.stdout, default=repr)
"""

pytestmark = pytest.mark.duckdb


@pytest.fixture(scope="module")
def executed(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """The output of each cell of the notebooks, all executed in one process."""
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, *(str(ROOT / "notebooks" / f"{name}.ipynb") for name in NAMES)],
        cwd=tmp_path_factory.mktemp("notebooks"),
        env={"EXTRACT_DATA": str(planted), "PYTHONPATH": str(ROOT), "HOME": str(planted.parent), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, dict[str, object]] = json.loads(done.stdout)
    return made


def test_every_cell_does_its_work(executed: dict[str, dict[str, object]]) -> None:
    assert {cell: one["error"] for cell, one in executed.items() if one["error"]} == {}
    charts = [cell for cell, one in executed.items() if "application/vnd.vegalite" in json.dumps(one["shown"])]
    assert {cell.split(".")[0] for cell in charts} == set(NAMES)
    assert len(charts) >= 12
    assert "@" in str(executed["integrity.ipynb bytes"]["printed"])


def test_nothing_of_a_transcript_is_obeyed(executed: dict[str, dict[str, object]]) -> None:
    said = json.dumps([(one["printed"], one["shown"]) for one in executed.values()], ensure_ascii=False)
    assert "owned" in said
    assert not set(said) & {"\x1b", "\x07", "\u202e", "\u200b", "\x9b"}
    for one in executed.values():
        shown = one["shown"]
        assert isinstance(shown, list)
        for data in shown:
            assert "<script" not in data.get("text/html", "")
            assert "<b>x" not in data.get("text/html", "")


def test_a_chart_loads_nothing_and_has_a_picture(executed: dict[str, dict[str, object]]) -> None:
    for one in executed.values():
        shown = one["shown"]
        assert isinstance(shown, list)
        for data in shown:
            for kind, spec in data.items():
                if kind.startswith("application/vnd.vegalite"):
                    assert '"url"' not in json.dumps(spec)
                    assert "image/png" in data


@pytest.mark.parametrize("name", NAMES)
def test_a_sentence_is_before_each_cell(name: str) -> None:
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    for before, cell in itertools.pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.id
            assert before.source.rstrip().endswith((".", ":")), cell.id
