"""The flow, run once for all of these in a process of its own: this one never imports Prefect."""

import ast
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from models.errors import ConfigurationError, ExitCode
from models.run import RunRecord
from pipelines.archive.archive import read_runs
from pipelines.disk.layout import Layout
from pipelines.lake.known import read_lakes
from pipelines.schedule.prefect_settings import prepare_prefect
from tests.support import FIXTURES
from tests.watch import remote_accesses, seen, watched

ROOT = Path(__file__).resolve().parents[2]
PHRASE = "the-heron-flies-at-dawn"
"""Stands in every place of the home that is read, and must not get anywhere in Prefect's keeping."""

DRIVE = """
import json, os, sys
from pathlib import Path
from pipelines.archive.archive import writing
from pipelines.cli.commands.flow import app
from pipelines.disk.failpoints import arm
from pipelines.disk.layout import Layout
from pipelines.lake.known import init_lake

def fail():
    raise ValueError({phrase!r})

if __name__ == "__main__":
    init_lake(Layout(Path("{data}")), "{data}-lake")
    arguments = ["run", "--home", "demo={home}", "--data", "{data}", "--push"]
    codes = [app(arguments, standalone_mode=False)]
    with writing(Layout(Path("{data}")), "another"):
        codes.append(app(arguments, standalone_mode=False))
    import httpx
    from prefect import flow
    from prefect.client.orchestration import get_client
    from pipelines.schedule.flows import CRON, NAME, _step, drill, extract, verify
    broken = flow(lambda: _step("broken", fail)(return_state=True), name="broken", persist_result=False)
    failed = broken(return_state=True)
    checks = [flow(data="{data}", return_state=True).name for flow in (verify, drill)]
    arm("phase:before-commit", kind="raise")
    both = ["one={home}", "two={home}-two"]
    hidden = extract(homes=both, data="{data}-two", return_state=True)
    arm(None)
    deployment = extract.to_deployment(NAME, cron=CRON).apply()
    with get_client(sync_client=True) as client:
        key = os.environ["PREFECT_API_AUTH_STRING"].split(":", 1)
        httpx.post(f"{{client.api_url}}deployments/{{deployment}}/schedule", json={{}}, auth=tuple(key), timeout=60)
    spawns = any("popen_spawn" in name for name in sys.modules)
    said = dict(codes=codes, failed=failed.type, checks=checks, hidden=[hidden.type, hidden.message])
    print(json.dumps(said | dict(deployment=[NAME, CRON], spawns=spawns)))
"""
"""Runs the command twice, the second time while another run is at work; then a step that raises an error which bears
the phrase; then has the server schedule runs of the deployment, as its own service does.
"""


@dataclass(frozen=True)
class Flown:
    """The result of a flow: its data directory, its output, and the calls seen in its processes."""

    data: Path
    codes: list[int]
    failed: str
    checks: list[str]
    hidden: list[str]
    deployment: list[str]
    spawns: bool
    stderr: str
    seen: list[str]

    @property
    def run(self) -> RunRecord:
        """The one run."""
        (run,) = read_runs(Layout(self.data))
        return run

    @property
    def kept(self) -> bytes:
        """Every byte that Prefect keeps."""
        return b"".join(path.read_bytes() for path in (self.data / "prefect").rglob("*") if path.is_file())

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Ask Prefect's database."""
        with sqlite3.connect(self.data / "prefect" / "prefect.db") as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    """A flow over a small home with two files so large that processes are worth it."""
    where = tmp_path_factory.mktemp("flow")
    home, data = where / "home", where / "data"
    for place in (home, where / "home-two"):
        shutil.copytree(FIXTURES / "typical", place, symlinks=True)
    plant(home)
    data.mkdir()
    (data / "settings.toml").write_text("processes = 2\n", encoding="utf-8")
    (where / "drive.py").write_text(DRIVE.format(phrase=PHRASE, home=home, data=data), encoding="utf-8")
    done = run_here(str(where / "drive.py"), **watched(where / "watch", ROOT))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    return Flown(data, **said, stderr=done.stderr, seen=seen(where / "watch"))


def run_here(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this Python without any setting of Prefect's, and return its output."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DO_NOT"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=surroundings | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def plant(home: Path) -> None:
    """Put the phrase into a prompt, a transcript, a line that cannot be parsed and a name; and add two large files."""
    prompt = {"display": PHRASE, "timestamp": 1_770_000_000_000, "project": "/p", "pastedContents": {}}
    with (home / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(prompt) + "\n{ " + PHRASE + "\n")
    transcript = min((home / "projects").rglob("*.jsonl"))
    record = {"type": PHRASE, "sessionId": PHRASE, "message": {"role": "user", "content": PHRASE}}
    with transcript.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(record)}\n{{ {PHRASE}\n")
    (home / "plans" / f"{PHRASE}.md").write_text(PHRASE, encoding="utf-8")
    for number in range(2):
        (home / "uploads").mkdir(exist_ok=True)
        (home / "uploads" / f"large-{number}.bin").write_bytes(b"%d a line of no meaning\n" % number * 400_000)


@pytest.mark.slow
def test_the_flow_commits_a_whole_run_and_a_warehouse(flown: Flown) -> None:
    run = flown.run
    assert (run.status, sorted(run.homes)) == ("complete", ["demo"])
    assert [phase.phase for phase in run.phases] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert run.warehouse is not None
    assert (flown.data / "warehouse.duckdb").exists()
    assert (flown.data / "runs" / run.run_id / "report.html").exists()
    assert list((flown.data / "staging").iterdir()) == []


@pytest.mark.slow
def test_the_flow_ends_as_the_exit_code_says(flown: Flown) -> None:
    states = flown.ask(
        "SELECT state_type, state_name FROM flow_run JOIN flow ON flow_id = flow.id WHERE flow.name = 'extract' "
        "AND deployment_id IS NULL ORDER BY flow_run.start_time"
    )
    assert states == [("COMPLETED", "Rejects"), ("FAILED", "Locked"), ("FAILED", "Unexpected")]
    assert flown.codes == [ExitCode.REJECTS, ExitCode.LOCKED]


@pytest.mark.slow
def test_prefect_yaml_says_what_the_flow_says(flown: Flown) -> None:
    declared, monthly, quarterly = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    (schedule,) = declared["schedules"]
    assert [declared["name"], schedule["cron"]] == flown.deployment
    assert monthly["entrypoint"] == "pipelines.schedule.flows.verify"
    assert quarterly["entrypoint"] == "pipelines.schedule.flows.drill"
    assert (declared["entrypoint"], schedule["timezone"]) == ("pipelines.schedule.flows.extract", "{{ $TZ }}")


@pytest.mark.slow
@pytest.mark.xfail(
    Version(version("sqlalchemy")) >= Version("2.1"),
    reason="with SQLAlchemy 2.1 the server of Prefect 3.8 schedules no run",
    strict=True,
)
def test_the_server_schedules_the_runs_of_the_deployment(flown: Flown) -> None:
    scheduled = flown.ask("SELECT expected_start_time FROM flow_run WHERE deployment_id IS NOT NULL")
    assert len(scheduled) > 1
    assert all("02:00:00" in str(start) for (start,) in scheduled)


@pytest.mark.slow
def test_a_verification_and_a_drill_end_as_verified_and_leave_a_table(flown: Flown) -> None:
    assert flown.checks == ["Verified", "Verified"]
    assert {key for (key,) in flown.ask("SELECT key FROM artifact WHERE type = 'table'")} == {
        "extract-sources",
        "extract-verify",
        "extract-drill",
    }
    ((link,),) = flown.ask("SELECT data FROM artifact WHERE key = 'extract-report' ORDER BY created LIMIT 1")
    assert f"{flown.run.run_id}/report.html" in str(link)


@pytest.mark.slow
def test_each_home_is_a_flow(flown: Flown) -> None:
    homes = "SELECT flow_run.name, state_type FROM flow_run JOIN flow ON flow_id = flow.id WHERE flow.name = 'home'"
    assert set(flown.ask(homes)) == {("demo", "COMPLETED"), ("one", "FAILED"), ("two", "COMPLETED")}


@pytest.mark.slow
def test_a_home_that_fails_keeps_no_other_from_being_read(flown: Flown) -> None:
    assert flown.hidden[0] == "FAILED"
    assert "homes that failed: one: FailPointError" in flown.hidden[1]
    *_, run = read_runs(Layout(flown.data.with_name("data-two")))
    assert (run.status, sorted(run.homes)) == ("complete", ["two"])
    assert run.warehouse is not None
    assert [phase.phase for phase in run.phases] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.slow
def test_each_phase_is_a_task_named_and_tagged_after_it(flown: Flown) -> None:
    tasks = {str(name): json.loads(str(tags)) for name, tags in flown.ask("SELECT name, tags FROM task_run")}
    assert {
        "begin",
        "demo: history",
        "demo: projects",
        "load",
        "report",
        "check a share",
        "sync copies",
        "push to lakes",
    } <= tasks.keys()
    assert sorted(tasks["demo: projects"]) == ["phase-7", "projects"]


@pytest.mark.slow
def test_the_flow_pushes_its_run_to_the_lake(flown: Flown) -> None:
    (known,) = read_lakes(Layout(flown.data))
    assert (known.problem, list(known.pushed)) == (None, [flown.run.run_id])


@pytest.mark.slow
def test_the_artifact_shows_the_summary(flown: Flown) -> None:
    ((markdown, described),) = flown.ask(
        "SELECT data, description FROM artifact WHERE key = 'extract-run' ORDER BY created LIMIT 1"
    )
    assert described == flown.run.run_id
    entries = sum(counts.entries for phase in flown.run.phases for counts in phase.sources.values())
    assert f"| Entries | {entries:,} |" in json.loads(str(markdown))


@pytest.mark.slow
def test_prefect_keeps_nothing_that_a_home_says(flown: Flown) -> None:
    kept = flown.kept
    assert flown.run.run_id.encode() in kept
    assert PHRASE.encode() not in kept


@pytest.mark.slow
def test_an_error_goes_to_standard_error_and_only_its_kind_to_prefect(flown: Flown) -> None:
    assert flown.failed == "FAILED"
    assert f"ValueError: {PHRASE}" in flown.stderr
    assert b"StepFailed: ValueError (exit code 1)" in flown.kept


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the rights of the folder decide there")
def test_what_prefect_keeps_is_the_users_alone(flown: Flown) -> None:
    state = flown.data / "prefect"
    assert state.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o077 for path in state.rglob("*")}
    assert "prefect.db" in modes
    assert set(modes.values()) == {0}
    assert not {"storage", "profiles.toml"} & modes.keys()
    assert not (Path.home() / ".prefect").exists()


@pytest.mark.slow
def test_no_process_of_the_flow_asks_another_machine(flown: Flown) -> None:
    assert any("127.0.0.1" in line for line in flown.seen)
    assert remote_accesses(flown.seen) == []


@pytest.mark.slow
def test_workers_are_spawned_since_a_flow_has_threads(flown: Flown) -> None:
    assert flown.spawns
    assert "os.fork" not in flown.seen


@pytest.fixture
def _no_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides that another test of this process imported Prefect."""
    monkeypatch.delitem(sys.modules, "prefect", raising=False)


@pytest.mark.usefixtures("_no_prefect")
def test_prefects_state_goes_below_the_data_directory_unless_the_user_has_his_own(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    for own in ({}, {"PREFECT_HOME": "mine"}, {"PREFECT_API_URL": "http://mine"}):
        surroundings = dict(own)
        prepare_prefect(layout, (), environment=surroundings)
        assert surroundings.get("PREFECT_HOME", str(layout.prefect)) == own.get("PREFECT_HOME", str(layout.prefect))
        assert surroundings["DO_NOT_TRACK"] == "1"
        assert ("PREFECT_API_AUTH_STRING" in surroundings) == (not own)
    assert layout.prefect.is_dir()


@pytest.mark.usefixtures("_no_prefect")
def test_prefect_is_never_given_a_place_in_a_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    surroundings: dict[str, str] = {}
    with pytest.raises(ConfigurationError, match="extract never writes to a home"):
        prepare_prefect(Layout(home / "data"), [home], environment=surroundings)
    assert "PREFECT_HOME" not in surroundings
    assert list(home.iterdir()) == []


def test_serving_without_a_server_says_how_to_get_one(tmp_path: Path) -> None:
    done = run_here("-m", "pipelines", "flow", "serve", "--data", str(tmp_path / "data"))
    assert done.returncode == ExitCode.USAGE
    assert "extract flow server" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.soak
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_a_server_asks_its_own_port_and_ends_with_the_process_that_was_started(tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "flow",
        "server",
        "--port",
        str(port),
        "--data",
        str(tmp_path / "data"),
    ]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DO_NOT"))}
    with subprocess.Popen(
        command, cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            settings = json.loads(_asked(f"http://127.0.0.1:{port}/ui-settings"))
            assert settings["api_url"] == f"http://127.0.0.1:{port}/api"
        finally:
            process.send_signal(signal.SIGTERM)
        process.wait(120)
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port)):
        pass
    print("did: 1 start")


def _asked(address: str) -> bytes:
    """Return the answer of a server, once it is up."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no server at {address}")


def test_serving_and_deploying_make_two_deployments() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    source = ast.parse((ROOT / "pipelines" / "schedule" / "flows.py").read_text(encoding="utf-8"))
    names = {
        node.target.id: node.value.value
        for node in ast.walk(source)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert names["NAME"] in [one["name"] for one in declared]
    assert names["SERVED"] not in [one["name"] for one in declared]


def test_a_run_from_the_command_line_never_imports_prefect(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "whole_files__damaged", tmp_path / "home", symlinks=True)
    script = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    script += "from pipelines.cli.app import main; sys.argv[0] = 'extract'; main()"
    done = run_here("-c", script, "run", "--home", str(tmp_path / "home"), "--data", str(tmp_path / "data"))
    assert done.returncode == ExitCode.REJECTS, done.stderr
    imported = done.stderr.splitlines()[-1].split()
    assert "pipelines.run.pipeline" in imported
    assert [name for name in imported if name.split(".")[0] in ("prefect", "fastapi")] == []
