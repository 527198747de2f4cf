"""The tour of the warehouse: as committed in git, and executed on a sample home in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from models.observer import Observer
from pipelines.demo.demo import make_home
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from tests.watch import remote_accesses, seen, watched

ROOT = Path(__file__).resolve().parents[2]
TOUR = ROOT / "notebooks" / "tour.ipynb"
PLOTS = {"sources", "time", "hours", "sessions", "tokens", "tools", "debug", "levels"}
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e<script>alert(1)</script><img src=x onerror=alert(1)> $\\frac{1}{$ [/nope]"

EXECUTE = """
import json, sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
client.execute()
json.dump({cell.id: cell.get("outputs", []) for cell in notebook.cells}, sys.stdout)
"""

Output = dict[str, object]


@dataclass(frozen=True)
class Executed:
    """The notebook after its execution: the outputs of each cell, and the observed actions of its processes."""

    outputs: dict[str, list[Output]]
    seen: list[str]

    def of_kind(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield the id of each cell and its output of a MIME type."""
        for cell, outputs in self.outputs.items():
            for output in outputs:
                data = output.get("data")
                if isinstance(data, dict) and kind in data:
                    yield cell, str(data[kind])

    def printed(self, cell: str) -> str:
        """Return the printed output of a cell."""
        return "".join(str(output["text"]) for output in self.outputs[cell] if output["output_type"] == "stream")

    @property
    def errors(self) -> list[tuple[str, object]]:
        """The cells that failed, with their exceptions."""
        return [
            (cell, output["ename"])
            for cell, outputs in self.outputs.items()
            for output in outputs
            if output["output_type"] == "error"
        ]


def execute(where: Path, data: Path) -> Executed:
    """Execute the notebook on a data directory."""
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(TOUR)],
        cwd=where,
        env={**os.environ, **watched(where / "watch", ROOT), "EXTRACT_DATA": str(data)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Executed(json.loads(done.stdout), seen(where / "watch"))


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of modification of every file below `root`."""
    stats = {path: path.stat() for path in root.rglob("*") if path.is_file()}
    return {path.relative_to(root).as_posix(): (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


@dataclass(frozen=True)
class Toured(Executed):
    """The notebook executed on a sample home, and the data directory before and after."""

    before: dict[str, tuple[int, int]]
    after: dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Toured:
    """The tour of a sample home in which the latest prompt, a title and a tool are hostile."""
    where = tmp_path_factory.mktemp("tour")
    home, data = where / "home", where / "data"
    make_home(home, mb=0.5)
    prompt = {"display": HOSTILE, "timestamp": 1_900_000_000_000, "project": HOSTILE, "pastedContents": {}}
    with (home / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(prompt) + "\n")
    call = {"type": "tool_use", "id": "toolu_hostile", "name": HOSTILE, "input": {}}
    record = {
        "type": "assistant",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "sessionId": "00000000-0000-4000-8000-000000000001",
        "timestamp": "2026-03-01T00:00:00.000Z",
        "cwd": HOSTILE,
        "message": {"id": "msg_hostile", "role": "assistant", "model": HOSTILE, "content": [call] * 40},
    }
    (home / "projects" / "hostile").mkdir()
    transcript = home / "projects" / "hostile" / f"{record['sessionId']}.jsonl"
    transcript.write_text(json.dumps(record) + "\n", encoding="utf-8")
    run_job(Layout(data), Request([(None, home)]), Observer())
    before = state(data)
    executed = execute(where, data)
    return Toured(executed.outputs, executed.seen, before, state(data))


@pytest.mark.slow
def test_every_cell_of_the_tour_does_its_work(toured: Toured) -> None:
    assert toured.errors == []
    assert {cell for cell, _ in toured.of_kind("image/png")} == PLOTS
    assert "warn" not in "".join(map(toured.printed, toured.outputs)).lower()


@pytest.mark.slow
def test_the_tour_follows_a_value_to_its_bytes(toured: Toured) -> None:
    answers = [line.rsplit(maxsplit=1)[1] for line in toured.printed("proof").splitlines()]
    assert answers == ["True", "True", "True"]
    assert "history.jsonl@" in toured.printed("address")


@pytest.mark.slow
def test_nothing_of_a_transcript_is_obeyed(toured: Toured) -> None:
    texts = [text for kind in ("text/html", "text/plain", "text/markdown") for _, text in toured.of_kind(kind)]
    texts += map(toured.printed, toured.outputs)
    assert any("owned" in text for _, text in toured.of_kind("text/html"))
    for text in texts:
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
    for _, text in toured.of_kind("text/html"):
        assert "<script" not in text
        assert "<img" not in text


@pytest.mark.slow
def test_the_tour_changes_nothing_in_the_data_directory(toured: Toured) -> None:
    assert toured.before == toured.after


@pytest.mark.slow
def test_the_tour_asks_no_other_machine(toured: Toured) -> None:
    assert any("127.0.0.1" in line for line in toured.seen)
    assert remote_accesses(toured.seen) == []


@pytest.mark.slow
def test_without_a_warehouse_the_tour_says_what_to_do_and_stops(tmp_path: Path) -> None:
    executed = execute(tmp_path, tmp_path / "nothing")
    assert executed.errors[0] == ("open", "Stop")
    assert [output["traceback"] for output in executed.outputs["open"] if output["output_type"] == "error"] == [[]]
    assert any("extract demo" in text for cell, text in executed.of_kind("text/markdown") if cell == "open")
    assert not (tmp_path / "nothing").exists()


def test_every_notebook_in_git_has_the_outputs_of_the_sample_home_and_no_place_of_a_machine() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run dev.py notebooks"
        outputs = [output for cell in cells for output in cell.outputs]
        assert "error" not in {output.output_type for output in outputs}
        assert any("image/png" in output.get("data", {}) for output in outputs)
        written = path.read_text(encoding="utf-8")
        assert nbformat.writes(notebook) + "\n" == written, "its form is not nbformat's own"
        for place in ("/tmp/", "/root/", "/var/folders/", "site-packages", "C:\\\\Users\\\\runner"):
            assert place not in written, place


def test_a_sentence_precedes_each_cell_of_the_tour() -> None:
    cells = nbformat.read(TOUR, as_version=4).cells
    assert len({cell.id for cell in cells}) == len(cells)
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.id
            assert before.source.rstrip().endswith("."), cell.id
