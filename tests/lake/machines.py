"""Made-up machines for the tests of lakes: a home with an open, a secret and a team project, each with marks in every
place where Claude Code keeps something of a session; and the search of every byte that a place has.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

import pyarrow.parquet as pq

from models.observer import Observer
from pipelines.archive.machines import this_machine
from pipelines.disk.layout import Layout
from pipelines.lake.known import KnownLake, init_lake, keep_lake, read_lakes
from pipelines.lake.pull import PullResult, pull
from pipelines.lake.push import PushResult, push
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.warehouse.opened import open_warehouse
from tests.conversations import Talk, write_lines
from tests.redact.samples import SAMPLES

QUIET: Final = Observer()
TOKEN: Final = "".join(SAMPLES["github-token"])
PROJECTS: Final = ("open", "secret", "team")
KINDS: Final = ("prompt", "answer", "history", "paste", "todo", "log", "version", "plan", "memory")


@dataclass(frozen=True, slots=True)
class Made:
    """A made-up machine: its name, its home, its data directory."""

    name: str
    home: Path
    layout: Layout

    def run(self) -> None:
        """Do a run over the home."""
        run_job(self.layout, Request([("claude", self.home)]), QUIET)

    def join(self, place: str, level: str | None = None) -> KnownLake:
        """Join a lake."""
        return init_lake(self.layout, place, level=level, name=self.name)[0]

    def push(self) -> PushResult:
        """Push to the one lake."""
        return push(self.layout, read_lakes(self.layout)[0], QUIET)

    def pull(self) -> PullResult:
        """Pull from the one lake."""
        return pull(self.layout, read_lakes(self.layout)[0], QUIET)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query on the warehouse."""
        with open_warehouse(self.layout) as connection:
            return connection.execute(query).fetchall()


def make_machine(place: Path, name: str, marks: Sequence[str] = PROJECTS) -> Made:
    """Write the home of a machine, with sessions of the projects `marks`, and run on it."""
    made = Made(name, place / name / "home", Layout(place / name / "data"))
    for project in marks:
        write_project(made, project)
    made.run()
    return made


def mark(made: Made, project: str, kind: str) -> str:
    """Return a text that is at one place of the home alone."""
    return f"MARK-{made.name}-{project}-{kind}-{sha256(f'{made.name}{project}{kind}'.encode()).hexdigest()[:12]}"


def session_of(made: Made, project: str) -> str:
    """Return the id of the session of a project."""
    return str(UUID(bytes=sha256(f"{made.name}{project}".encode()).digest()[:16], version=4))


def directory_of(made: Made, project: str) -> str:
    """Return the directory of a project."""
    return f"/w/{made.name}/{project}-project"


def write_project(made: Made, project: str) -> None:
    """Write one session of a project, with a mark of each kind, and a token in a prompt."""
    session, cwd = session_of(made, project), directory_of(made, project)
    said = {kind: mark(made, project, kind) for kind in KINDS}
    slug = f"plan-{made.name}-{project}"
    talk = Talk(session, cwd)
    talk.prompt(f"{said['prompt']} with {TOKEN}", slug=slug)
    talk.answer(f"{made.name}{project}", said["answer"], slug=slug)
    encoded = cwd.replace("/", "-")
    write_lines(made.home / "projects" / encoded / f"{session}.jsonl", talk.records)
    (made.home / "projects" / encoded / "memory").mkdir()
    (made.home / "projects" / encoded / "memory" / "MEMORY.md").write_text(said["memory"])
    paste = sha256(said["paste"].encode()).hexdigest()[:16]
    line = {"display": said["history"], "timestamp": 1772442000000, "project": cwd, "sessionId": session}
    pasted = {"1": {"id": 1, "type": "text", "contentHash": paste}}
    made.home.mkdir(parents=True, exist_ok=True)
    with (made.home / "history.jsonl").open("a") as file:
        file.write(json.dumps({**line, "pastedContents": pasted}) + "\n")
    for path, text in (
        (f"paste-cache/{paste}.txt", said["paste"]),
        (f"todos/{session}-agent-{session}.json", json.dumps([{"content": said["todo"], "status": "pending"}])),
        (f"debug/{session}.txt", f"2026-03-02T09:00:00.000Z [DEBUG] {said['log']}\n"),
        (f"file-history/{session}/0123456789abcdef@v1", said["version"]),
        (f"plans/{slug}.md", f"# {said['plan']}\n"),
    ):
        (made.home / path).parent.mkdir(parents=True, exist_ok=True)
        (made.home / path).write_text(text)


def everything_in(place: Path) -> bytes:
    """Return every byte of every file below a place, with the values of Parquet files unpacked."""
    found = bytearray()
    for path in sorted(place.rglob("*")):
        found += str(path.relative_to(place)).encode() + b"\n"
        if path.is_file():
            found += path.read_bytes()
            if path.suffix == ".parquet":
                found += _values_in(path)
    return bytes(found)


def _values_in(path: Path) -> bytes:
    with pq.ParquetFile(path) as file:
        columns = file.read().to_pydict().values()
    texts = (one for column in columns for one in column if isinstance(one, str | bytes))
    return b"\n".join(one.encode() if isinstance(one, str) else one for one in texts)


def counts_of(made: Made, names: Sequence[str]) -> dict[str, object]:
    """Return the number of rows of tables and views."""
    return {name: made.ask(f'SELECT count(*) FROM "{name}"')[0][0] for name in names}


def rejoin(place: Path) -> None:
    """Let the machines of a copy use the copy of the lake, which they know by its place."""
    for one in machines(place):
        (path,) = one.layout.lakes.glob("*.json")
        known = replace(read_lakes(one.layout)[0], place=str(place / "lake"))
        path.unlink()
        keep_lake(one.layout, known)


def machines(place: Path) -> tuple[Made, Made]:
    """Return the two machines of a place."""
    ada, bob = (Made(name, place / name / "home", Layout(place / name / "data")) for name in ("ada", "bob"))
    return ada, bob


def id_of(made: Made) -> str:
    """Return the id of a machine."""
    machine = this_machine(made.layout)
    assert machine is not None
    return machine.machine_id
