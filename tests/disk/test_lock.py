"""One writer for each data directory: the second one gets an error, and one that dies leaves no lock."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.errors import ExitCode, LockedError, StoreError
from models.observer import Observer
from pipelines.archive.archive import Archive, commit, read_runs
from pipelines.disk.layout import Layout
from pipelines.disk.lock import announce, writing
from pipelines.run.extraction import Request, begin_run
from tests.command_line import ROOT, call
from tests.support import extract

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs and signals")

RACES = int(os.environ.get("SOAK_RACES", "3"))
"""How many pairs of runs are started at once; a soak asks for more."""
LONGEST = 120.0
"""Seconds after which something is taken to hang."""


@contextmanager
def started(script: str, *arguments: str | Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def extract_run(data: Path, home: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start `extract run`; it stops at the first fail point that it passes until the test reads the FIFO `log`."""
    os.mkfifo(log)
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", "run", "--quiet", "--home", str(home), "--data", str(data)],
        cwd=ROOT,
        env={**os.environ, "EXTRACT_FAIL_LOG": str(log)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def drain(log: Path) -> None:
    """Read a FIFO from now on, so that its writers do not wait."""
    descriptor = os.open(log, os.O_RDWR)

    def read() -> None:
        while os.read(descriptor, 1 << 16):
            pass

    threading.Thread(target=read, daemon=True).start()


def test_of_two_runs_started_at_once_one_works_and_one_says_so(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(RACES):
        logs = [tmp_path / f"{number}-{name}.log" for name in ("one", "other")]
        both = [extract_run(data, home, log) for log in logs]
        # The first one to take the lock waits at a fail point, so the second cannot but meet it.
        give_up_at = time.monotonic() + LONGEST
        while all(process.poll() is None for process in both) and time.monotonic() < give_up_at:
            time.sleep(0.02)
        (loser,) = [process for process in both if process.poll() is not None]
        winner = next(process for process in both if process is not loser)
        assert loser.returncode == ExitCode.LOCKED
        out, err = loser.communicate()
        assert out == b""
        assert err.startswith(f"extract: another process is writing to {data}: pid {winner.pid}, run ".encode())
        assert err.count(b"\n") == 1
        for log in logs:
            drain(log)
        out, err = winner.communicate(timeout=LONGEST)
        assert (winner.returncode, out, err) == (ExitCode.VERIFIED, b"", b"")
        assert len(read_runs(Layout(data))) == number + 1
    assert [path.name for path in (data / "staging").iterdir()] == []
    print(f"did: {RACES} pairs of runs")


@pytest.mark.parametrize(
    "command",
    [
        ["rebuild"],
        ["import-store", "--messages", "FILE"],
        ["rollback", "RUN", "--yes"],
        ["gc", "--yes"],
    ],
    ids=lambda command: str(command[0]),
)
def test_every_other_writer_is_named_too(command: list[str], home: Path, tmp_path: Path) -> None:
    data, layout = tmp_path / "data", Layout(tmp_path / "data")
    first = extract(data, home)
    extract(data, home)
    (tmp_path / "messages.jsonl").write_text('{"content":"hello"}\n')
    for number in range(3):
        (layout.warehouses / f"20200101T000000Z-00000{number}.duckdb").write_bytes(b"")
    places = {"FILE": str(tmp_path / "messages.jsonl"), "RUN": first.run_id}
    with writing(layout, "the other run"):
        ran = call(*(places.get(word, word) for word in command), "--data", data)
    assert ran.code == ExitCode.LOCKED
    assert f"pid {os.getpid()}, run the other run, since " in ran.err


def test_who_holds_the_lock_says_under_which_run_once_it_has_one(home: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    with writing(layout, "starting"):
        run = begin_run(layout, Request([(None, home)]), Observer()).record
        with pytest.raises(LockedError, match=f"run {run.run_id}"), writing(layout, "another"):
            pass
        announce(layout, "x")  # a shorter text leaves nothing of the longer one
        with pytest.raises(LockedError, match="run x,"), writing(layout, "another"):
            pass


def test_a_stale_text_in_the_lock_keeps_nobody_out(home: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    layout.prepare()
    for text in ("", '{"pid": 1, "run_id": "dead", "started_at": "2020-01-01"}', "no JSON \0"):
        layout.lock_file.write_text(text)
        extract(tmp_path / "data", home)
    assert len(read_runs(layout)) == 3


def test_the_lock_file_stays_the_same_file(home: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    extract(tmp_path / "data", home)
    before = layout.lock_file.stat().st_ino
    extract(tmp_path / "data", home)
    assert layout.lock_file.stat().st_ino == before


def test_a_lock_on_a_file_that_was_replaced_is_not_taken_for_the_lock(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    with writing(layout, "one"):
        # A user deletes the lock file: the program cannot prevent that mistake.
        layout.lock_file.unlink()
        with writing(layout, "two"):
            assert json.loads(layout.lock_file.read_bytes())["run_id"] == "two"
            with pytest.raises(LockedError, match="run two"), writing(layout, "three"):
                pass


HOLD_AND_FORK = """
import os, signal, sys
from pathlib import Path
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
with writing(Layout(Path(sys.argv[1])), "parent"):
    ready, printed = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(printed, b".")
        signal.pause()
    os.read(ready, 1)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_does_not_keep_the_lock_of_a_parent_that_was_killed(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    with started(HOLD_AND_FORK, layout.root) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert process.wait(LONGEST) == -signal.SIGKILL
        try:
            os.kill(child, 0)  # it is there
            with writing(layout, "next"):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


RUN_AND_DIE = """
import multiprocessing, os, signal, sys
from pathlib import Path
from pipelines.run.pipeline import run_job
from pipelines.disk.layout import Layout
from models.observer import Observer
from pipelines.run.extraction import Request

class Dies(Observer):
    def file_read(self, result):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

run_job(Layout(Path(sys.argv[1])), Request([(None, Path(sys.argv[2]))]), Dies())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_workers_end_with_a_run_that_was_killed_and_the_next_run_works(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    (home / "plans").mkdir(parents=True)
    for number in range(4):
        (home / "plans" / f"big-{number}.bin").write_bytes(os.urandom(1 << 10) * (9 << 10))
    layout.prepare()
    layout.settings_file.write_text("processes = 2\n")
    with started(RUN_AND_DIE, layout.root, home) as process:
        assert process.stdout is not None
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert len(workers) == 2
        assert process.wait(LONGEST) == -signal.SIGKILL
    extract(layout.root, home)
    give_up_at = time.monotonic() + LONGEST
    while any(_is_alive(pid) for pid in workers) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    assert [pid for pid in workers if _is_alive(pid)] == []


def _is_alive(pid: int) -> bool:
    try:
        return "pipelines" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


READERS = (["status"], ["report"], ["sql", "SELECT 1"], ["verify", "--quick"], ["show", "home:history.jsonl"])


def test_readers_are_never_kept_waiting(home: Path, tmp_path: Path) -> None:
    data, layout = tmp_path / "data", Layout(tmp_path / "data")
    assert call("run", "--home", home, "--data", data, "-q").code == 0
    with writing(layout, "a long run"):
        for words in READERS:
            assert call(*words, "--data", data).code == 0, words


def test_a_run_of_an_older_epoch_cannot_commit(home: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    stopped = begin_run(layout, Request([(None, home)]), Observer())  # and then it sleeps, its lock lost
    newer = extract(tmp_path / "data", home)
    assert newer.epoch == stopped.record.epoch
    with pytest.raises(StoreError, match=r"a newer run \(epoch 1\) was committed meanwhile"):
        commit(layout, stopped.record)
    assert [run.run_id for run in Archive.open(layout).runs()] == [newer.run_id]
