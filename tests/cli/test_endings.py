"""Commands that are stopped end without a traceback: by Ctrl-C at any moment, a question answered with no, a reader
that closes the pipe, a directory that the system refuses.
"""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from models.errors import ExitCode
from pipelines.archive.archive import read_runs
from pipelines.disk.layout import Layout
from tests.command_line import ROOT, SESSION, Kept, Ran, call, make_home, start

COMMAND = [sys.executable, "-m", "pipelines"]
NOBODY = 65534
EIGHT_MINUTES = "SELECT levenshtein(repeat('a', 400000), repeat('b', 400000))"
"""DuckDB looks for no interruption while it computes one value."""


def _answered(answer: bytes, *arguments: str | Path) -> Ran:
    """Run a command on a terminal, give this answer to its question, and return what the terminal showed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while b"[y/N]: " not in shown:
        shown += os.read(master, 4096)
    try:
        while True:
            if answer == b"\x03":
                process.send_signal(signal.SIGINT)
            else:
                os.write(master, answer)
            # Typed before the question sets up the terminal, an end of file is lost: it is typed again.
            while select.select([master], [], [], 5)[0]:
                shown += os.read(master, 4096)
    except OSError:  # the other end of the terminal is closed
        pass
    os.close(master)
    return Ran(process.wait(60), shown, "")


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04", b"\x03"], ids=["no", "nothing", "end", "ctrl-c"])
def test_any_answer_but_yes_changes_nothing_and_is_no_interruption(kept: Kept, answer: bytes) -> None:
    before = sorted(path for path in kept.data.rglob("*"))
    ran = _answered(answer, "forget", "--session", SESSION, "--data", kept.data)
    assert ran.code == ExitCode.INTERRUPTED
    assert ran.lines[-1] == "Nothing was changed."
    assert "interrupted" not in ran.out
    assert sorted(path for path in kept.data.rglob("*")) == before


def test_ctrl_c_at_any_moment_ends_without_a_traceback(kept: Kept) -> None:
    ended = 0
    for delay in range(20, 900, 35):
        with subprocess.Popen(
            [sys.executable, "-c", _STARTED, "verify", "--quick", "--data", str(kept.data)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"started\n"
            time.sleep(delay / 1000)
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            printed = process.stderr.read().decode()
        assert "Traceback" not in printed, printed
        assert process.returncode in (ExitCode.INTERRUPTED, ExitCode.VERIFIED)
        ended += process.returncode == ExitCode.INTERRUPTED
        if process.returncode == ExitCode.INTERRUPTED:
            assert printed.startswith("extract: interrupted"), printed
    assert ended


_STARTED = """
import sys
from pipelines.__main__ import main
sys.stdout.write("started\\n"); sys.stdout.flush()
main()
"""


def test_ctrl_c_ends_a_query_at_once_even_where_duckdb_does_not_listen(kept: Kept) -> None:
    command = [sys.executable, "-c", _STARTED, "sql", EIGHT_MINUTES, "--timeout", "0", "--data", str(kept.data)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        time.sleep(2)  # on a busy machine the query may not have begun by then: the command ends in the same way
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, b"")
    assert err.startswith(b"extract: interrupted")


@pytest.mark.parametrize("query", [EIGHT_MINUTES, "SELECT count(*) FROM range(1000000000000)"], ids=["deaf", "listens"])
def test_a_query_ends_when_its_time_is_up(kept: Kept, query: str) -> None:
    ran = start("sql", query, "--timeout", "0.5", "--data", kept.data)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert ran.err.startswith("extract: no result within 0.5 s: --timeout")
    assert len(ran.err.splitlines()) == 1


def test_a_run_whose_reader_goes_away_is_done_to_its_end(home: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "run", "--home", f"mine={home}", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == ExitCode.VERIFIED
    (run,) = read_runs(Layout(tmp_path / "data"))
    assert run.warehouse is not None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("status",), ("sql", "FROM range(100000)", "--csv"), ("files",)])
def test_an_output_that_cannot_be_written_is_named_once(kept: Kept, words: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *words, "--data", str(kept.data)], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == ExitCode.DISK
    printed = "standard output cannot be used: No space left on device. Free some space, or give"
    assert done.stderr.decode() == f"extract: {printed} another path\n"


AS_NOBODY = f"""
import os, sys
from tests.imported import import_all
import_all()
import encodings.idna, rich.progress, zoneinfo, textwrap, traceback, json, csv, getpass, pwd, grp, locale, shlex
import contextlib, io, tempfile
from pipelines.cli.app import invoke

def as_nobody(words):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        invoke([words[0], "--help"])
    if os.name != "nt" and os.geteuid() == 0:
        os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
    code = invoke(words)
    sys.stdout.flush(); sys.stderr.flush()
    return code

for line in sys.stdin:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.dup2(out.fileno(), 1); os.dup2(err.fileno(), 2)
                code = as_nobody(json.loads(line))
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        shown = [file.seek(0) or file.read().decode() for file in (out, err)]
    print(json.dumps([code, *shown]), flush=True)
"""
"""Imports as this user, who alone may be able to read the environment; becomes nobody for each command."""

AsNobody = Callable[..., Ran]


@pytest.fixture(scope="module")
def as_nobody() -> Iterator[AsNobody]:
    """Calls a command as an unprivileged user without files: root is refused nothing."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", AS_NOBODY]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def called(*arguments: str | Path) -> Ran:
            asked.write(json.dumps([str(argument) for argument in arguments]).encode() + b"\n")
            asked.flush()
            code, out, err = json.loads(answers.readline())
            return Ran(code, out.encode(), err)

        yield called
        asked.close()


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that everybody may read, and the archive of a run of one phase over it."""
    base = tmp_path_factory.mktemp("archived")
    home = make_home(base / "home")
    assert call("run", "--home", f"mine={home}", "--data", base / "data", "--phase", "1").code == ExitCode.VERIFIED
    for directory, _, names in os.walk(home):
        for path in (directory, *(f"{directory}/{name}" for name in names)):
            os.chmod(path, 0o755)
    return base


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may walk to: pytest keeps its own to its user."""
    with TemporaryDirectory(prefix="extract-rights-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.skipif(os.name == "nt", reason="rights are others on Windows")
@pytest.mark.parametrize("words", [("run",), ("run", "--dry-run"), ("inventory",)])
@pytest.mark.parametrize("is_hidden", [False, True], ids=["home", "parent"])
def test_a_home_that_may_not_be_read_is_two(
    place: Path, as_nobody: AsNobody, words: tuple[str, ...], is_hidden: bool
) -> None:
    home = make_home(place / "above" / "home")
    closed = home.parent if is_hidden else home
    closed.parent.chmod(0o755)
    closed.chmod(0)
    try:
        ran = as_nobody(*words, "--home", home, "--data", place / "data")
    finally:
        closed.chmod(0o755)
    assert ran.code == ExitCode.USAGE, ran.err
    assert ran.err == (
        f"extract: the home {home} cannot be read: Permission denied. Change its permissions, or give another home\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="rights are others on Windows")
@pytest.mark.parametrize(
    ("words", "is_hidden"),
    [(("status",), False), (("run",), False), (("run",), True), (("verify",), False), (("sql", "SELECT 1"), False),
     (("sql", "SELECT 1"), True), (("files",), True), (("forget", "--list"), False), (("rollback", "2026"), False)],
)  # fmt: skip
def test_a_data_directory_that_may_not_be_used_is_twelve(
    place: Path, archived: Path, as_nobody: AsNobody, words: tuple[str, ...], is_hidden: bool
) -> None:
    home = shutil.copytree(archived / "home", place / "home", symlinks=True)
    data = shutil.copytree(archived / "data", place / "above" / "data", symlinks=True)
    closed = data.parent if is_hidden else data
    closed.parent.chmod(0o755)
    closed.chmod(0)
    try:
        ran = as_nobody(*words, *(("--home", home) if words == ("run",) else ()), "--data", data)
    finally:
        closed.chmod(0o755)
    assert ran.code == ExitCode.DISK, ran.err
    assert "Permission denied" in ran.err
    assert "bug in extract" not in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
@pytest.mark.parametrize("name", [b"d\xffta", b"da?ta"])
def test_a_data_directory_that_duckdb_cannot_name_is_two(home: Path, tmp_path: Path, name: bytes) -> None:
    data = tmp_path / os.fsdecode(name)
    ran = start("run", "--home", home, "--data", data)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert ran.err.startswith("extract: the data directory ")
    assert ran.err.endswith(": name another\n")
    assert not data.exists()


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
@pytest.mark.parametrize("name", [b"ho?me", b"h*[a]#%23", b"a'b\"; c"])
def test_a_home_may_have_any_name_of_characters(home: Path, tmp_path: Path, name: bytes) -> None:
    odd = home.rename(tmp_path / os.fsdecode(name))
    ran = call("run", "--home", f"mine={odd}", "--data", tmp_path / "data", "--phase", "1")
    assert (ran.code, ran.err) == (ExitCode.VERIFIED, "")


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_a_home_whose_path_is_not_utf8_is_two_and_a_link_to_it_is_read(home: Path, tmp_path: Path) -> None:
    odd = home.rename(tmp_path / os.fsdecode(b"h\xffme"))
    ran = start("run", "--home", odd, "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "make a link to it, and name the link" in ran.err
    (tmp_path / "link").symlink_to(odd)
    assert call("run", "--home", f"mine={tmp_path / 'link'}", "--data", tmp_path / "data", "--phase", "1").code == 0


def test_a_crash_in_native_code_prints_where_it_happened() -> None:
    script = (
        "import faulthandler, sys; sys.argv = ['extract', '--version']\n"
        "from pipelines.__main__ import main\n"
        "try:\n    main()\nfinally:\n    faulthandler._sigsegv()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert 'File "<string>", line 6 in <module>' in done.stderr
