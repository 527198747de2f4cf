"""A home that changes in every way while it is read: nothing torn, mixed, lost or read outside, and all of it named."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from models.errors import ExitCode
from models.finding import Level
from models.manifest import FileState
from models.observer import FileRead, Observer
from models.text import printable_path
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.verify.verify import check
from pipelines.warehouse.opened import open_warehouse
from tests.hostile_writer import KINDS, SECRET, check_text, kind_of, line_of, text_of

ROOT = Path(__file__).parent.parent.parent
SECONDS = float(os.environ.get("SOAK_SECONDS", "5"))
"""How long they write; a soak asks for more."""
RUNS_IN_ONE_HOME = 12
LONGEST_RUN = 300
"""Seconds after which a run is taken to hang."""
SOURCES = ("history", "debug", "projects")
OUTCOMES = {
    "append": {"intact", "appended"},
    "torn": {"intact", "appended"},
    # Appended: rewritten and longer between the snapshot and the reading, so that more follows what was read.
    "rewrite": {"intact", "appended", "modified", "unreadable"},
    "rename": {"intact", "appended", "modified"},
    "truncate": {"intact", "appended", "modified"},
    "delete": {"intact", "appended", "modified", "missing", "expired"},
    "chmod": {"intact"} if os.name == "posix" and os.geteuid() == 0 else {"intact", "unreadable"},
    "link": {"intact", "missing", "modified", "unreadable", "expired", "unchecked"},
}
"""The outcomes that a file may have under each kind of writer."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="open files are neither renamed nor deleted there")


@contextmanager
def writers(home: Path, outside: Path, kinds: Sequence[str], seed: int) -> Iterator[None]:
    """Let kinds of writers work meanwhile; afterwards all have stopped of themselves, without an error."""
    command = [sys.executable, "-m", "tests.hostile_writer", str(home), str(outside)]
    running = [
        subprocess.Popen([*command, kind, str(seed + n)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for n, kind in enumerate(kinds)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield
        for process in running:
            process.terminate()
        for kind, process in zip(kinds, running, strict=True):
            out, err = process.communicate()
            assert (process.returncode, err) == (0, b""), (kind, err)
            assert int(out) > 0, kind
            print(f"{kind}: {int(out)} changes")
    finally:
        for process in running:
            process.kill()
            process.communicate()


def run_in_time(layout: Layout, home: Path) -> str:
    """Run the whole job once and return the run's id."""

    def too_long(number: int, frame: object) -> None:
        raise AssertionError("the run does not end")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST_RUN)
    try:
        finished = run_job(layout, Request([("home", home)], phases=(1, 2, 7, 8)), Observer())
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert finished.exit_code in (ExitCode.VERIFIED, ExitCode.INCOMPLETE), finished.run.phases
    return finished.run.run_id


def check_content(path: str, content: bytes) -> int:
    """Compare the archived bytes of a file with those that its writer can have written; return its whole lines."""
    assert SECRET.encode() not in content, path
    lines = content.split(b"\n")
    generations = set()
    for number, line in enumerate(lines[:-1]):
        text = text_in(path, line)
        found = check_text(text)
        assert found is not None, (path, number, line)
        assert (found[0], found[2]) == (kind_of(path), number), (path, number, line)
        generations.add(found[1])
    assert len(generations) <= 1, (path, generations)
    return len(lines) - 1


def text_in(path: str, line: bytes) -> str:
    """Return the text of a line, empty unless the rest of it is as it was written."""
    key = {"debug": b"[DEBUG] ", "history.jsonl": b'"display":"'}.get(path.split("/")[0], b'"content":"')
    text = line.partition(key)[2].split(b'"')[0].decode()
    return text if line + b"\n" == line_of(path, text) else ""


class Cycle:
    """One run over the home, and its results."""

    def __init__(self, layout: Layout, run_id: str, chance: random.Random) -> None:
        self.layout, self.run_id = layout, run_id
        self.reader = StoreReader.open(layout)
        self.states = [state for state in self.reader.files(run_id) if state.run_id == run_id]
        self.chance = chance
        self.compared = 0
        self.lines: dict[int, int] = {}

    def ours(self) -> list[FileState]:
        """Return the states of the files that writers work on."""
        return [state for state in self.states if kind_of(state.path) and state.entry_type == "file"]

    def check(self) -> None:
        """Check everything that holds after any run."""
        self.check_outcomes()
        self.restore_and_compare()
        self.check_rows()

    def check_outcomes(self) -> None:
        """Each file has an outcome that its writer can cause."""
        for state in self.states:
            if kind_of(state.path) and state.entry_type != "directory":
                assert state.outcome in OUTCOMES[kind_of(state.path)], state
        for state in self.ours():
            if kind_of(state.path) in ("append", "torn"):
                assert state.change in ("new", "appended", "unchanged"), state
                assert state.generation == 1, state

    def restore_and_compare(self) -> None:
        """Restore the files that this run read and some others: each has the digest of its manifest."""
        for state in self.ours():
            changed = state.change in ("new", "appended", "rewritten")
            if state.file_id is None or not (changed or self.chance.random() < 0.2):
                continue
            kept = self.reader.kept_bytes(state.file_id, self.run_id)
            assert kept is not None, state
            content = b"".join(self.reader.read_range(state.file_id, 0, kept, self.run_id))
            assert sha256(content).hexdigest() == state.sha256, state
            self.lines[state.file_id] = check_content(state.path, content)
            self.compared += 1

    def check_rows(self) -> None:
        """Each row is of a whole line; no line of a file that was read is in quarantine, or without its row."""
        with open_warehouse(self.layout) as connection:
            for (text,) in connection.execute("SELECT text FROM message_texts").fetchall():
                assert check_text(text) is not None, text
            events = connection.execute(
                "SELECT message, continuation FROM debug_events d JOIN entries e USING (file_id, byte_offset) "
                "WHERE e.entry_kind = 'entry'"
            ).fetchall()
            for message, continuation in events:
                assert check_text(message) is not None, message
                assert continuation is None, message
            rejects = connection.execute(
                "SELECT f.path, r.* FROM rejects r JOIN files f USING (file_id) WHERE r.source IN ?", [list(SOURCES)]
            ).fetchall()
            assert rejects == []
            counts = connection.execute(
                "SELECT e.file_id, f.path, count(*) FROM entries e JOIN files f USING (file_id) "
                "WHERE e.entry_kind = 'entry' AND e.byte_length > 0 GROUP BY ALL"
            ).fetchall()
        entries = {file_id: count for file_id, path, count in counts}
        logs = {state.file_id for state in self.ours() if state.source == "debug"}
        for file_id, whole in self.lines.items():
            # The last event of a log waits for lines that may continue it.
            assert whole - (file_id in logs) <= entries.get(file_id, 0) <= whole, (file_id, whole)


def check_at_rest(layout: Layout, home: Path, cycle: Cycle) -> int:
    """Without writers, the archive has the bytes of the home, and all of them have rows; return the lines."""
    states = {state.path: state for state in cycle.ours() if state.is_present}
    lines = 0
    here = [path for path in home.rglob("*") if path.is_file()]
    assert {printable_path(os.fsencode(path.relative_to(home))) for path in here} == set(states)
    for path in here:
        state, content = states[str(path.relative_to(home))], path.read_bytes()
        assert state.outcome == "intact", state
        assert state.file_id is not None
        assert b"".join(cycle.reader.read_range(state.file_id, 0, len(content), cycle.run_id)) == content
        lines += check_content(state.path, content)
        assert content.endswith(b"\n")
        assert rows_of(layout, state) == [text_in(state.path, line) for line in content.splitlines()], state.path
    return lines


def rows_of(layout: Layout, state: FileState) -> list[str]:
    """Return the texts that a file's rows hold, in the order of the file."""
    if state.source == "debug":
        query = "SELECT message FROM debug_events WHERE file_id = ? ORDER BY byte_offset"
    else:
        query = (
            "SELECT m.text FROM occurrences o JOIN message_texts m USING (message_id) "
            "WHERE o.file_id = ? ORDER BY o.byte_offset"
        )
    with open_warehouse(layout) as connection:
        return [text for (text,) in connection.execute(query, [state.file_id]).fetchall()]


def check_archive(layout: Layout) -> None:
    """Nothing is found by the deepest look at the archive."""
    findings = [finding for finding in check(layout, Level.DEEP) if finding.severity != "information"]
    assert findings == []


class Deleter(Observer):
    """Deletes each file of a home as soon as it was read."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def file_read(self, read: FileRead) -> None:
        (self.home / os.fsdecode(read.path)).unlink()


def test_a_file_that_is_deleted_right_after_it_was_read_is_named_missing_and_kept(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    home.mkdir()
    content = line_of("history.jsonl", text_of("torn", 1, 0))
    (home / "history.jsonl").write_bytes(content)
    finished = run_job(layout, Request([("home", home)]), Deleter(home))
    assert finished.exit_code == ExitCode.VERIFIED
    for _ in range(2):
        (state,) = [state for state in StoreReader.open(layout).files() if state.path == "history.jsonl"]
        assert state.file_id is not None
        assert b"".join(StoreReader.open(layout).read_range(state.file_id, 0, len(content))) == content
        with open_warehouse(layout) as connection:
            files = connection.execute("SELECT path, state, expired_run_id FROM files").fetchall()
            assert connection.execute("SELECT count(*) FROM prompts").fetchone() == (1,)
        assert files == [("history.jsonl", "expired", finished.run.run_id)]
        assert run_job(layout, Request([("home", home)]), Observer()).exit_code == ExitCode.VERIFIED
    assert state.outcome == "expired"


class Swapper(Observer):
    """Puts another directory in the place of the first file's as soon as that was read."""

    def __init__(self, here: Path, other: Path, aside: Path) -> None:
        self.here, self.other, self.aside = here, other, aside

    def file_read(self, read: FileRead) -> None:
        if not self.aside.exists():
            self.here.rename(self.aside)
            self.other.rename(self.here)


def test_a_directory_that_is_swapped_while_its_files_are_read_is_found_out(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    names = ("debug/a.txt", "debug/b.txt", "debug/c.txt")
    for directory in (home / "debug", tmp_path / "other"):
        directory.mkdir(parents=True)
        for name in names:
            printed = directory.name if name == "debug/b.txt" else "the same"
            (directory / Path(name).name).write_bytes(line_of(name, text_of(printed, 1, 0)))
    observer = Swapper(home / "debug", tmp_path / "other", tmp_path / "aside")
    for outcomes in (["intact", "modified", "intact"], ["intact"] * 3):
        run_job(layout, Request([("home", home)]), observer)
        states = sorted(
            (one for one in StoreReader.open(layout).files() if one.path in names), key=lambda one: one.path
        )
        assert [state.outcome for state in states] == outcomes
        check_archive(layout)
    for state in states:
        assert (
            b"".join(StoreReader.open(layout).read_range(state.file_id or 0, 0, state.size))
            == (home / state.path).read_bytes()
        )


def test_a_file_whose_place_a_link_took_for_a_while_is_known_again_when_it_is_back_unchanged(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    (home / "debug").mkdir(parents=True)
    path = home / "debug" / "link.txt"
    content = line_of("debug/link.txt", text_of("link", 1, 0)) * 3
    for step in ("file", "link", "file"):
        path.unlink(missing_ok=True)
        if step == "file":
            path.write_bytes(content)
        else:
            path.symlink_to(tmp_path / "elsewhere")
        ended = run_job(layout, Request([("home", home)]), Observer()).exit_code
        assert ended == (ExitCode.VERIFIED if step == "file" else ExitCode.INCOMPLETE)
    with open_warehouse(layout) as connection:
        query = "SELECT generation, state, count(*) FROM debug_events JOIN files USING (file_id) GROUP BY ALL"
        assert connection.execute(query).fetchall() == [(1, "present", 3)]


@dataclass
class Seen:
    """Counts of the work done under writers."""

    runs: int = 0
    homes: int = 0
    compared: int = 0
    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def tell(self) -> None:
        """Print it."""
        homes = f"{self.homes} homes at rest with {self.lines:,} lines"
        print(f"did: {self.runs:,} runs, {self.compared:,} files restored and compared, {homes}")
        print(", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items())))


def look_under_writers(place: Path, kinds: Sequence[str], seconds: float) -> Seen:
    """Run over homes that writers work on, one after the other for as long as is asked for, and check every run; each
    home once more when it is at rest.
    """
    seen, chance, ends_at = Seen(), random.Random(3), time.monotonic() + seconds
    while time.monotonic() < ends_at:
        home, outside, layout = place / "home", place / "outside", Layout(place / "data")
        home.mkdir(parents=True)
        with writers(home, outside, kinds, seed=seen.homes * len(KINDS)):
            for number in range(RUNS_IN_ONE_HOME):
                if number > 1 and time.monotonic() > ends_at:
                    break
                look_once(seen, layout, home, chance)
        seen.lines += check_at_rest(layout, home, look_once(seen, layout, home, chance))
        check_archive(layout)
        seen.homes += 1
        shutil.rmtree(place)
    return seen


def look_once(seen: Seen, layout: Layout, home: Path, chance: random.Random) -> Cycle:
    """Run once and check the results."""
    cycle = Cycle(layout, run_in_time(layout, home), chance)
    cycle.check()
    seen.runs += 1
    seen.compared += cycle.compared
    seen.outcomes.update(f"{kind_of(state.path)} {state.outcome}" for state in cycle.ours())
    return cycle


@pytest.mark.slow
def test_of_a_home_under_hostile_writers_nothing_is_torn_mixed_lost_or_misnamed(tmp_path: Path) -> None:
    look_under_writers(tmp_path / "place", KINDS, SECONDS).tell()


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_home_under_one_kind_of_hostile_writer_nothing_is_lost(kind: str, tmp_path: Path) -> None:
    look_under_writers(tmp_path / "place", [kind], SECONDS).tell()
