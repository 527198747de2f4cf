"""The one way in, with Python 3.11 and nothing else: `dev.py run` uses the project, `dev.py test` runs every check,
`dev.py soak` runs for hours what the suite tries for seconds, `dev.py bench` measures.

All make `.venv` from the exact versions of requirements.txt first, where it is missing or out of date. EXTRACT_VENV
names another place for it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (whoever starts this with an older one must be told, not shown a traceback)
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
"""The tests marked `duckdb` run on this one too; the lock holds the oldest that is supported."""

USAGE = """usage: python3 dev.py run [ARGUMENT...]      extract run ARGUMENT...
       python3 dev.py extract [ARGUMENT...]  any other command of extract
       python3 dev.py test [ARGUMENT...]     every check; the arguments go to pytest
       python3 dev.py soak [ARGUMENT...]     the long checks, with a table of their figures; see --help
       python3 dev.py notebooks              write the notebooks with the outputs of a sample home
       python3 dev.py bench [ARGUMENT...]    how fast it is, beside yardsticks; see --help
       python3 dev.py pictures               make the pictures of the README from what commands print
       python3 dev.py figures NAME=HOME...   what the warehouse counts beside what ccusage counts
       python3 dev.py prices                 the price list of models, made anew from genai-prices"""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment at `place`, whether it is there yet or not."""

    place: Path

    def _path(self, name: str) -> Path:
        return Path(sysconfig.get_path(name, "venv", {"base": str(self.place), "platbase": str(self.place)}))

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        return self._path("purelib")

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self._path("scripts") / (f"{name}.exe" if os.name == "nt" else name))

    @property
    def stamp(self) -> Path:
        """The file that says from what it was made; written last."""
        return self.place / "made-from.sha256"

    def is_current(self) -> bool:
        """Whether it was made, to the end, from the lock and the declaration as they are now."""
        with suppress(FileNotFoundError):
            return self.stamp.read_text(encoding="ascii") == _made_from()
        return False


def _made_from() -> str:
    """Return the digest of all that an environment depends on. It cannot be moved, so its place counts."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _pip(environment: Environment, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    command = [environment.program("python"), "-m", "pip", "--disable-pip-version-check", "-qq", *arguments]
    # On standard error: standard output belongs to the command that waits for this.
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=True, env=env)


def make_environment() -> Environment:
    """Return the environment, made anew unless it is current. Exits where making it would delete something else."""
    environment = Environment(Path(os.environ.get("EXTRACT_VENV") or ROOT / ".venv").absolute())
    place = environment.place
    if environment.is_current():
        return environment
    if place.exists() and any(place.iterdir()) and not (place / "pyvenv.cfg").exists():
        sys.exit(f"{place} holds something that is no virtual environment: it is left alone; set EXTRACT_VENV")
    if place.exists() and place.samefile(sys.prefix):
        sys.exit(f"{place} is out of date, and its own Python is running: start dev.py with another one")
    print(f"making the environment in {place}: a minute or two, once", file=sys.stderr, flush=True)
    try:
        venv.create(place, clear=True, with_pip=True)
        _pip(environment, "install", "--requirement", str(LOCK))
        _pip(environment, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        _pip(environment, "check")
    except subprocess.CalledProcessError as error:
        sys.exit(f"the environment could not be made: {error}")
    environment.stamp.write_text(_made_from(), encoding="ascii")
    return environment


def extract(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the command line of the project. Returns its exit code, where this process does not become it."""
    # From wherever this file is called, its archive is the one of the checkout.
    os.environ.setdefault("EXTRACT_DATA", str(ROOT / "data"))
    command = [environment.program("extract"), *arguments]
    if os.name != "nt":  # There, exec would return to the shell at once.
        os.execv(command[0], command)
    return subprocess.call(command)


@dataclass(frozen=True, slots=True)
class Checks:
    """Every check of the project, run in `environment` with `env`; `scratch` is theirs to write in."""

    environment: Environment
    env: Mapping[str, str]
    scratch: Path
    pytest_arguments: Sequence[str]

    def _run(self, command: Sequence[str], *, where: Path = ROOT, shown: bool = False, **env: str) -> int:
        """Run a command and return its exit code; what it says is shown when asked for, or when it fails."""
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
        """Look for mistakes that can be seen without running."""
        return self._python("-m", "ruff", "check", ".")

    def layout(self) -> int:
        """Compare the layout of the code with the formatter's."""
        return self._python("-m", "ruff", "format", "--check", ".")

    def sql_layout(self) -> int:
        """Compare the layout of the files of SQL with the formatter's."""
        return self._run([self.environment.program("sqlfmt"), "--check", "--diff", "pipelines/warehouse"])

    def types(self) -> int:
        """Check the types, strictly."""
        return self._python("-m", "mypy", *PACKAGES, "tests", "dev.py")

    def layers(self) -> int:
        """Check that imports go one way."""
        return self._run([self.environment.program("lint-imports")])

    def docs(self) -> int:
        """Compare the rendered documents with what they are rendered from."""
        return self._python("-m", "pipelines.cli.docs", "--check")

    def tests(self) -> int:
        """Run the suite on the locked versions."""
        return self._python("-m", "pytest", *PARALLEL, *self.pytest_arguments, shown=True)

    def newest_duckdb(self) -> int:
        """Run the tests marked `duckdb` on the newest DuckDB, laid over the locked one."""
        overlay = _laid_over(self.environment, f"duckdb=={NEWEST_DUCKDB}")
        return self._python(
            *("-m", "pytest", *PARALLEL, "-m", "duckdb", "-p", "no:cacheprovider", "--quiet"),
            shown=True,
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
        # A folder named by a .pth has its own .pth files ignored: the editable install stays unseen.
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
    """Run every check, the failed ones no hindrance to the rest. Returns 1 when one failed."""
    with tempfile.TemporaryDirectory(prefix="extract-checks-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch, "home")
        home.mkdir()
        kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
        env = {**kept, "HOME": str(home), "USERPROFILE": str(home), "PYTHONUTF8": "1", "COLUMNS": "120"}
        checks = Checks(environment, env, Path(scratch), arguments)
        # Each of these keeps one core busy, mypy longer than all the others; pytest takes every core.
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


def _done(checks: Mapping[str, Callable[[], int]], at_once: int) -> Iterator[tuple[str, tuple[int, float]]]:
    """Do checks, some at once, and yield the exit code of each in their order, with the seconds that it took."""

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
    """Return a folder with one package, `NAME==VERSION`, installed the first time: the environment stays as locked."""
    overlay = environment.place / wanted.replace("==", "-")
    if not (overlay / wanted.partition("==")[0]).exists():
        _pip(environment, "install", "--no-deps", "--upgrade", "--target", str(overlay), wanted)
    return overlay


def soak(environment: Environment, arguments: Sequence[str]) -> int:
    """Run the long checks (tests/soak.py), with what the extra `soak` names laid over the environment where it can be
    had: without a network the soak says what it did not run. Returns 1 when a check failed.
    """
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    overlays = []
    for wanted in declared["project"]["optional-dependencies"]["soak"]:
        try:
            overlays.append(str(_laid_over(environment, wanted)))
        except subprocess.CalledProcessError:
            print(f"{wanted} could not be installed: what needs it will not be run", file=sys.stderr, flush=True)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(overlays)}
    return subprocess.call([environment.program("python"), "-m", "tests.soak", *arguments], cwd=ROOT, env=env)


def bench(environment: Environment, arguments: Sequence[str]) -> int:
    """Measure (tests/bench). Returns 1 when something could not be measured."""
    return subprocess.call([environment.program("python"), "-m", "tests.bench", *arguments], cwd=ROOT)


def notebooks(environment: Environment) -> int:
    """Execute the notebooks on a sample home and write them with their outputs. Returns 1 when one of them fails."""
    return subprocess.call([environment.program("python"), "-m", "tests.notebooks.render"], cwd=ROOT)


def main() -> int:
    """Do what the first argument names; the others are passed on. Returns the exit code."""
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
