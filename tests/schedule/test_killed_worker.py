"""A full cycle under Prefect: server, pool, deployments, worker, a triggered run, its artifact over the API; the worker
is killed in the middle of a run, and the next run makes that good.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from models.observer import Observer
from pipelines.archive.archive import read_all_runs
from pipelines.demo.demo import make_home
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from tests.logical_checksum import checksums_of

ROOT = Path(__file__).resolve().parents[2]
HOME_MB = 24
LONGEST = 900.0
"""Seconds to wait: Prefect frees the place of a run that was killed after some minutes."""


@dataclass(frozen=True)
class Machine:
    """A Prefect server on a port of this machine, and the data directory of its deployments."""

    port: int
    data: Path

    @property
    def address(self) -> str:
        """The address of the server's API."""
        return f"http://127.0.0.1:{self.port}/api"

    @contextmanager
    def process(self, *arguments: str, **env: str) -> Iterator[None]:
        """Start this Python on a module; it is killed with all its children at the end of the block."""
        log = self.data.with_name(f"{arguments[0]}.log")
        with log.open("ab") as output:
            started = subprocess.Popen(
                [sys.executable, "-m", *arguments], cwd=ROOT, env=surroundings(**env), stdout=output, stderr=output
            )
            try:
                yield
                assert started.poll() is None, log.read_text(encoding="utf-8")
            finally:
                kill_all(started.pid)
                started.wait()

    def call(self, *arguments: str) -> None:
        """Run this Python on a module, and wait for its end."""
        command, env = [sys.executable, "-m", *arguments], surroundings(PREFECT_API_URL=self.address)
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, path: str, question: object | None = None) -> object:
        """Return the answer of the server's API: to a GET, or to a POST of `question`."""
        request = urllib.request.Request(f"{self.address}/{path}")
        if question is not None:
            request.data = json.dumps(question).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def is_up(self) -> bool:
        """Whether the server answers."""
        try:
            return self.ask("health") is True
        except OSError:
            return False

    def trigger(self) -> str:
        """Start a run of the deployment that reads every file anew; return its id."""
        deployment = self.ask("deployments/name/extract/weekly")
        assert isinstance(deployment, dict)
        made = self.ask(f"deployments/{deployment['id']}/create_flow_run", {"parameters": {"full": True}})
        assert isinstance(made, dict)
        return str(made["id"])

    def state(self, flow_run: str) -> tuple[str, str]:
        """Return the type and the name of a flow run's state."""
        run = self.ask(f"flow_runs/{flow_run}")
        assert isinstance(run, dict)
        return run["state"]["type"], run["state"]["name"]

    def runs(self) -> list[str]:
        """Return the ids of the runs that have begun to write."""
        return sorted(path.name for path in self.data.glob("staging/*"))


def surroundings(**env: str) -> dict[str, str]:
    """Return the environment of a user who has set nothing of Prefect's but `env`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DO_NOT"))}
    return {**kept, **env}


def kill_all(pid: int) -> None:
    """Kill a process and all processes that it or they started, the parents first."""
    children = [child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    for child in children:
        kill_all(int(child))


def wait_for(happened: Callable[[], object]) -> None:
    """Wait until `happened` returns a true value; fail after `LONGEST` seconds."""
    end = time.monotonic() + LONGEST
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A server with the deployments of a made-up home."""
    make_home(tmp_path / "home", mb=HOME_MB, seed=1)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        made = Machine(found.getsockname()[1], tmp_path / "data")
    data = ("--data", str(made.data))
    with made.process("pipelines", "flow", "server", "--port", str(made.port), *data):
        wait_for(made.is_up)
        made.call("pipelines", "flow", "deploy", "--home", f"demo={tmp_path / 'home'}", *data)
        yield made


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the children of a process are found in /proc")
def test_a_worker_killed_in_a_run_costs_that_run_alone(machine: Machine, tmp_path: Path) -> None:
    worker = partial(
        machine.process, "prefect", "worker", "start", "--pool", "extract", PREFECT_API_URL=machine.address
    )
    with worker():
        killed = machine.trigger()
        wait_for(machine.runs)
    assert machine.runs()
    assert machine.state(killed)[0] == "RUNNING"
    with worker():
        following = machine.trigger()
        wait_for(lambda: machine.state(following)[0] not in ("SCHEDULED", "PENDING", "RUNNING"))
    assert machine.state(following) == ("COMPLETED", "Rejects")
    assert machine.state(killed)[0] == "CRASHED"
    artifact = machine.ask("artifacts/extract-run/latest")
    run = read_all_runs(Layout(machine.data))[-1]
    assert isinstance(artifact, dict)
    assert (artifact["description"], run.status, machine.runs()) == (run.run_id, "complete", [])
    run_job(Layout(tmp_path / "alone"), Request([("demo", tmp_path / "home")]), Observer())
    assert checksums_of(machine.data) == checksums_of(tmp_path / "alone")
    print("did: 1 run killed with its worker, 1 run after it: the rows of an undisturbed run")
