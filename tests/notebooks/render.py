"""Executes the notebooks on a sample home and writes them with their outputs: `python3 dev.py notebooks`.

A forge shows a notebook as it is committed, so its charts have to be in it. The outputs are of a made-up home and hold
no path of the machine on which they were made.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

from models.observer import Observer
from pipelines.demo.demo import make_home
from pipelines.disk.layout import ENVIRONMENT_VARIABLE, Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
_SAMPLE_MB = 3.0


def render(notebook: Path, data: Path) -> None:
    """Execute a notebook on a data directory and write it with its outputs. Raises CellExecutionError."""
    held = nbformat.read(notebook, as_version=4)
    os.environ[ENVIRONMENT_VARIABLE] = str(data)
    NotebookClient(
        held, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(data.parent)}}
    ).execute()
    for cell in held.cells:
        cell.metadata.pop("execution", None)
    # The kernel adds the version of this machine's Python to the metadata: left out, so that the output is the same.
    held.metadata = {"kernelspec": held.metadata["kernelspec"], "language_info": {"name": "python"}}
    written = nbformat.writes(held).replace(str(data.parent), "/home/mira")
    notebook.write_text(written + "\n", encoding="utf-8")


def main() -> int:
    """Render every notebook; returns 0."""
    with TemporaryDirectory(prefix="extract-notebooks-") as made:
        home, data = Path(made) / ".claude", Path(made) / "data"
        make_home(home, mb=_SAMPLE_MB)
        run_job(Layout(data), Request([("demo", home)]), Observer())
        for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
            render(notebook, data)
            sys.stdout.write(f"written: {notebook.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
