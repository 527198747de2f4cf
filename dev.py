"""The entry point of a checkout, which needs only Python 3.11: `dev.py run` runs extract, `dev.py test` runs every
check, `dev.py soak` runs randomised tests for a long time, `dev.py bench` measures.

Each first creates the virtual environment `.venv` with the exact versions of requirements.txt if it is missing or out
of date. EXTRACT_VENV sets another directory for it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (an older Python gets a message instead of a traceback)
    sys.exit("dev.py needs Python 3.11 or newer")

import hashlib
import os
import subprocess
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.txt"
PACKAGES = ("models", "extractors", "pipelines")
PARALLEL = ("--numprocesses", "auto", "--dist", "worksteal")
NEWEST_DUCKDB = "2.0.0"
"""The tests marked `duckdb` also run on this version; the lock has the oldest supported one."""

ROOM_IN_MEMORY = 3 << 30
"""The free bytes that a file system in memory must have for the temporary files of the tests."""

USAGE = """usage: python3 dev.py run [ARGUMENT...]      extract run ARGUMENT...
       python3 dev.py extract [ARGUMENT...]  any other command of extract
       python3 dev.py test [ARGUMENT...]     every check; the arguments go to pytest
       python3 dev.py soak [ARGUMENT...]     the long checks, with a table of results; see --help
       python3 dev.py notebooks              execute the notebooks on a sample home and save them
       python3 dev.py bench [ARGUMENT...]    measure the speed beside yardsticks; see --help
       python3 dev.py pictures               make the pictures of the README from real commands
       python3 dev.py figures NAME=HOME...   compare token counts with those of ccusage and agentsview
       python3 dev.py secrets HOME...        measure the rules for secrets: found per MB, recall, speed
       python3 dev.py prices                 generate the price list of models from genai-prices"""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment at `place`, which need not exist yet."""

    place: Path

    def _path(self, name: str) -> Path:
        return Path(sysconfig.get_path(name, "venv", {"base": str(self.place), "platbase": str(self.place)}))

    @property
    def site_packages(self) -> Path:
        """The directory of its packages."""
        return self._path("purelib")

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self._path("scripts") / (f"{name}.exe" if os.name == "nt" else name))

    @property
    def stamp(self) -> Path:
        """The file with the digest of its inputs; written last."""
        return self.place / "made-from.sha256"

    def is_current(self) -> bool:
        """Whether it was completely made from the current requirements.txt and pyproject.toml."""
        with suppress(FileNotFoundError):
            return self.stamp.read_text(encoding="ascii") == _made_from()
        return False


def _made_from() -> str:
    """Return the digest of everything that an environment depends on, its path included: it cannot be moved."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _pip(environment: Environment, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    command = [environment.program("python"), "-m", "pip", "--disable-pip-version-check", "-qq", *arguments]
    # To standard error: standard output is for the command that runs afterwards.
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=True, env=env)


def make_environment() -> Environment:
    """Return the environment, after making it again unless it is current. Exits if that would delete a directory that
    is not a virtual environment.
    """
    environment = Environment(Path(os.environ.get("EXTRACT_VENV") or ROOT / ".venv").absolute())
    place = environment.place
    if environment.is_current():
        return environment
    if place.exists() and any(place.iterdir()) and not (place / "pyvenv.cfg").exists():
        sys.exit(f"{place} is not a virtual environment and was not changed; set EXTRACT_VENV to another directory")
    if place.exists() and place.samefile(sys.prefix):
        sys.exit(f"{place} is out of date, and its own Python is running: start dev.py with another one")
    print(f"making the environment in {place}: a minute or two, once", file=sys.stderr, flush=True)
    try:
        venv.create(place, clear=True, with_pip=True)
        _pip(environment, "install", "--requirement", str(LOCK))
        _pip(environment, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        _pip(environment, "check")
        # pip compiles only copied modules; with PYTHONDONTWRITEBYTECODE each start would compile all of them.
        compile_all = [environment.program("python"), "-m", "compileall", "-q", *PACKAGES]
        subprocess.run(compile_all, cwd=ROOT, stdout=sys.stderr, check=True)
    except subprocess.CalledProcessError as error:
        sys.exit(f"the environment could not be made: {error}")
    environment.stamp.write_text(_made_from(), encoding="ascii")
    return environment


def extract(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the command line of the project. On Windows, returns its exit code; elsewhere, replaces this process."""
    # Use the data directory of the checkout, whatever the current directory is.
    os.environ.setdefault("EXTRACT_DATA", str(ROOT / "data"))
    command = [environment.program("extract"), *arguments]
    if os.name != "nt":  # On Windows, exec would return to the shell at once.
        os.execv(command[0], command)
    return subprocess.call(command)


@dataclass(frozen=True, slots=True)
class Checks:
    """Every check of the project, run in `environment` with `env`; they may write in `scratch`."""

    environment: Environment
    env: Mapping[str, str]
    scratch: Path
    pytest_arguments: Sequence[str]

    def _run(self, command: Sequence[str], *, where: Path = ROOT, shown: bool = False, **env: str) -> int:
        """Run a command and return its exit code; prints its output if `shown` or if it fails."""
        done = subprocess.run(
            command,
            cwd=where,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.STDOUT,
            check=False,
        )
        if done.returncode and not shown:
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
        return done.returncode

    def _python(self, *arguments: str, where: Path = ROOT, shown: bool = False, **env: str) -> int:
        return self._run([self.environment.program("python"), *arguments], where=where, shown=shown, **env)

    def lint(self) -> int:
        """Run the linter."""
        return self._python("-m", "ruff", "check", ".")

    def layout(self) -> int:
        """Check that the formatter would not change the Python code."""
        return self._python("-m", "ruff", "format", "--check", ".")

    def sql_layout(self) -> int:
        """Check that the formatter would not change the SQL files."""
        return self._run([self.environment.program("sqlfmt"), "--check", "--diff", "pipelines/warehouse"])

    def types(self) -> int:
        """Check the types, strictly."""
        return self._python("-m", "mypy", *PACKAGES, "tests", "dev.py")

    def layers(self) -> int:
        """Check that imports between packages follow the layers in pyproject.toml."""
        return self._run([self.environment.program("lint-imports")])

    def docs(self) -> int:
        """Check that the generated documents are up to date."""
        return self._python("-m", "pipelines.cli.docs", "--check")

    def tests(self) -> int:
        """Run the test suite on the locked versions."""
        return self._pytest(*self.pytest_arguments)

    def _pytest(self, *arguments: str, **env: str) -> int:
        # Each run of the program flushes some 80 files: on a disk, the tests wait for that a third of their time.
        with tempfile.TemporaryDirectory(prefix="extract-tests-", dir=_memory(), ignore_cleanup_errors=True) as scratch:
            Path(scratch).chmod(0o755)  # some tests run commands as a user without files
            command = ("-m", "pytest", *PARALLEL, *arguments)
            return self._python(*command, where=ROOT, shown=True, TMPDIR=scratch, **env)

    def newest_duckdb(self) -> int:
        """Run the tests marked `duckdb` on NEWEST_DUCKDB instead of the locked version: those of SQL; with SOAK_WHOLE,
        those of other rooms and the laws too.
        """
        overlay = _laid_over(self.environment, f"duckdb=={NEWEST_DUCKDB}")
        # Only their modules: to collect all tests takes every process as long as many of the marked ones.
        marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.duckdb" in path.read_text("utf-8")]
        if "SOAK_WHOLE" not in os.environ:
            marked = [path for path in marked if path.parent.name in ("tests", "warehouse", "look", "cli")]
        return self._pytest(
            *("-m", "duckdb", "-p", "no:cacheprovider", "--quiet"),
            *sorted(str(path.relative_to(ROOT)) for path in marked),
            PYTHONPATH=str(overlay),
            EXPECTED_DUCKDB=NEWEST_DUCKDB,
        )

    def build(self) -> int:
        """Build the sdist and the wheel out of it, without network; install the wheel beside the locked packages, and
        run it from an empty folder.
        """
        dist, empty = self.scratch / "dist", self.scratch / "empty"
        empty.mkdir()
        if failed := self._python("-m", "build", "--no-isolation", "--outdir", str(dist)):
            return failed
        installed = Environment(self.scratch / "wheel")
        venv.create(installed.place, with_pip=False)
        # Python ignores .pth files in a directory added by a .pth file, so the editable install is not found.
        (installed.site_packages / "locked.pth").write_text(f"{self.environment.site_packages}\n", encoding="utf-8")
        (wheel,) = dist.glob("*.whl")
        inside = ("--python", installed.program("python"), "install", "--no-deps", "--no-index", str(wheel))
        _pip(self.environment, *inside, env=self.env)
        proof = "import models, pathlib, sys; sys.exit(not pathlib.Path(models.__file__).is_relative_to(sys.prefix))"
        return (
            self._run([installed.program("python"), "-c", proof], where=empty)
            or self._run([installed.program("extract"), "--help"], where=empty)
            or self._run([installed.program("claude-extract"), "--version"], where=empty)
            or len(list(empty.iterdir()))
        )


def test(environment: Environment, arguments: Sequence[str]) -> int:
    """Run every check, also after one has failed. Returns 1 if one failed."""
    with tempfile.TemporaryDirectory(prefix="extract-checks-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch, "home")
        home.mkdir()
        # With the last of these, each of the processes that tests start would compile its modules again.
        dropped = {"PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        env = {**kept, "HOME": str(home), "USERPROFILE": str(home), "PYTHONUTF8": "1", "COLUMNS": "120"}
        checks = Checks(environment, env, Path(scratch), arguments)
        # Each of these uses one core, mypy longer than all the others; pytest uses every core.
        side_by_side: dict[str, Callable[[], int]] = {
            "mypy --strict": checks.types,
            "ruff check": checks.lint,
            "ruff format": checks.layout,
            "sqlfmt": checks.sql_layout,
            "lint-imports": checks.layers,
            "docs": checks.docs,
            "build": checks.build,
        }
        in_turn: dict[str, Callable[[], int]] = {
            "pytest": checks.tests,
            f"pytest, DuckDB {NEWEST_DUCKDB}": checks.newest_duckdb,
        }
        lines = []
        failed = 0
        for name, (code, seconds) in chain(_done(side_by_side, 2), _done(in_turn, 1)):
            failed += code != 0
            lines.append(f"{'ok' if code == 0 else 'FAILED':<6}  {name:<22}{seconds:7.1f} s")
            print(lines[-1], flush=True)
    summary = f"{len(lines) - failed} of {len(lines)} checks are fine"
    print("\n".join(["", *lines, summary]), flush=True)
    return 1 if failed else 0


def _memory() -> str | None:
    """Return a directory in memory with enough room for the temporary files of the tests; None if there is none."""
    memory = "/dev/shm"
    if sys.platform != "linux" or not os.access(memory, os.W_OK):
        return None
    there = os.statvfs(memory)
    has_room = there.f_bavail * there.f_frsize >= ROOM_IN_MEMORY
    return memory if has_room and not there.f_flag & os.ST_NOEXEC else None


def _done(checks: Mapping[str, Callable[[], int]], at_once: int) -> Iterator[tuple[str, tuple[int, float]]]:
    """Run checks, `at_once` in parallel; yield name, exit code and seconds of each, in their order."""

    def timed(check: Callable[[], int]) -> tuple[int, float]:
        started = time.monotonic()
        try:
            code = check()
        except subprocess.CalledProcessError as error:
            code = error.returncode
        return code, time.monotonic() - started

    with ThreadPoolExecutor(at_once) as threads:
        yield from zip(checks, threads.map(timed, checks.values()), strict=True)


def _laid_over(environment: Environment, wanted: str) -> Path:
    """Return a directory with the package `NAME==VERSION`, installed at the first call, to put before the environment
    on the path: the environment itself keeps the locked versions.
    """
    overlay = environment.place / wanted.replace("==", "-")
    if not (overlay / wanted.partition("==")[0]).exists():
        _pip(environment, "install", "--no-deps", "--upgrade", "--target", str(overlay), wanted)
    return overlay


def soak(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the long checks (tests/soak.py), with the package of the extra `soak` if it can be installed: without a
    network, the soak reports the check that it did not run. Returns 1 if a check failed.
    """
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    overlays = []
    for wanted in declared["project"]["optional-dependencies"]["soak"]:
        try:
            overlays.append(str(_laid_over(environment, wanted)))
        except subprocess.CalledProcessError:
            print(f"{wanted} could not be installed: the checks that need it are skipped", file=sys.stderr, flush=True)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(overlays)}
    return subprocess.call([environment.program("python"), "-m", "tests.soak", *arguments], cwd=ROOT, env=env)


def bench(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the benchmark (tests/bench). Returns 1 if a measurement failed."""
    return subprocess.call([environment.program("python"), "-m", "tests.bench", *arguments], cwd=ROOT)


def notebooks(environment: Environment) -> int:
    """Execute the notebooks on a sample home and save them with their outputs. Returns 1 if one of them fails."""
    return subprocess.call([environment.program("python"), "-m", "tests.notebooks.render"], cwd=ROOT)


def main() -> int:
    """Run the function named by the first argument with the other arguments. Returns the exit code."""
    match sys.argv[1:]:
        case ["run", *arguments]:
            return extract(make_environment(), ["run", "--or-demo", *arguments])
        case ["extract", *arguments]:
            return extract(make_environment(), arguments)
        case ["test", *arguments]:
            return test(make_environment(), arguments)
        case ["soak", *arguments]:
            return soak(make_environment(), arguments)
        case ["notebooks"]:
            return notebooks(make_environment())
        case ["bench", *arguments]:
            return bench(make_environment(), arguments)
        case ["pictures"]:
            return subprocess.call([make_environment().program("python"), "-m", "tests.pictures"], cwd=ROOT)
        case ["figures", *arguments]:
            command = [make_environment().program("python"), "-m", "tests.figures", *arguments]
            return subprocess.call(command, cwd=ROOT)
        case ["secrets", *arguments]:
            command = [make_environment().program("python"), "-m", "tests.secrets", *arguments]
            return subprocess.call(command, cwd=ROOT)
        case ["prices"]:
            return subprocess.call([make_environment().program("python"), "-m", "tests.make_prices"], cwd=ROOT)
        case ["--help" | "-h"]:
            print(USAGE)
            return 0
        case _:
            print(USAGE, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
