"""Shared by the tests of the report: homes, runs over them, and their reports."""

from collections.abc import Callable, Sequence
from pathlib import Path

from models.observer import FileRead, Observer
from models.run import RunRecord
from pipelines.archive.archive import writing
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout
from pipelines.report.facts import Facts
from pipelines.report.write import collect_facts, write_reports
from pipelines.run.extraction import Request, extract_homes

SESSION = "0a1b2c3d-0000-4000-8000-00000000000a"
PROMPT = (
    '{"display":"%s","pastedContents":{},"timestamp":1768724512305,"project":"/home/u/code","sessionId":"' + SESSION
)


def line(text: str = "do it", extra: str = "") -> str:
    return (PROMPT + '"%s}\n') % (text, extra)


def record(kind: str, version: str, extra: str = "") -> str:
    return (
        f'{{"type":"{kind}","uuid":"0a1b2c3d-0000-4000-8000-00000000000b","parentUuid":null,"isSidechain":false,'
        f'"userType":"external","cwd":"/c","sessionId":"{SESSION}","version":"{version}",'
        f'"timestamp":"2026-01-18T08:21:52.305Z"{extra}}}\n'
    )


def write(home: Path, name: str, text: str) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def facts_of(data: Path, run: RunRecord) -> Facts:
    return collect_facts(Layout(data), run)


def reports(data: Path, run: RunRecord) -> dict[str, str]:
    write_reports(Layout(data), run)
    directory = Layout(data).run(run.run_id)
    return {kind: read_sealed(directory / f"report.{kind}").decode() for kind in ("json", "md", "html")}


def extract_while(
    data: Path, home: Path, change: Callable[[], object], *, before_reading: bool = False, phases: Sequence[int] = (1,)
) -> RunRecord:
    """Run over a home that `change` changes: before the first file is read, or between reading and the last digest."""

    class Meddler(Observer):
        is_done = False

        def step_begins(self, name: str, size: int | None = None) -> None:
            if before_reading and size is not None and not self.is_done:
                self.is_done = True
                change()

        def file_read(self, read: FileRead) -> None:
            if not before_reading and not self.is_done:
                self.is_done = True
                change()

    layout = Layout(data)
    with writing(layout, "test"):
        return extract_homes(layout, Request([(None, home)], phases), Meddler()).record
