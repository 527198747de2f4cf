"""Nothing goes out: a run, a query and a report without a network, and without as much as a name looked up."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import FIXTURES

ROOT = Path(__file__).parent.parent.parent
WATCHED = """
import sys
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event.startswith("socket.") and event != "socket.__new__"
else None)
from pipelines.cli.app import main
sys.argv = ["extract", *sys.argv[1:]]
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
# Asking for this machine's own name is no connection.
print(sorted(set(calls) - {"socket.gethostname"}), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with files of every source and damaged ones."""
    home = tmp_path_factory.mktemp("offline") / "home"
    for name in ("whole_files__damaged", "typical"):
        shutil.copytree(FIXTURES / name, home, symlinks=True, dirs_exist_ok=True)
    return home


def test_a_run_and_what_one_does_with_it_look_up_no_name_and_open_no_connection(home: Path, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    for code, arguments in (
        (4, ["run", "--home", str(home), "--data", data, "--json"]),
        (0, ["sql", "--data", data, "SELECT count(*) FROM messages"]),
        (0, ["report", "--data", data]),
        (0, ["status", "--data", data]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert done.stderr.strip().endswith("[]"), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="takes the network away by means of Linux")
def test_a_run_needs_no_network(home: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "run",
        "--home",
        str(home),
        "--data",
        str(tmp_path / "data"),
        "--json",
    ]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
