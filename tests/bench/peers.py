"""Measures other programs that a user could run instead. Each is installed into an environment of its own below the
scratch directory and gets the path of a home and an empty HOME: none of them sees the user's own `~/.claude`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.context import Bench, Candidate, Home, remove, tree_bytes
from tests.bench.process import CommandFailed, run
from tests.bench.report import Figure, Section, Table, megabytes, ratio, spread

AGENTSVIEW: Final = "agentsview==0.46.1"
ATIF: Final = "atif-sql==0.4.0"
CCUSAGE: Final = "ccusage@20.0.24"
_ATIF_PYTHON: Final = (3, 13)


@dataclass(frozen=True, slots=True)
class Peer:
    """A program and the commands to run it on a home.

    `cold` is the command of a first run, `again` that of the next one; `before` are commands to run once before a first
    run, not timed. `{home}`, `{out}` and `{program}` are replaced by the home, a new directory and the program's path.
    """

    name: str
    less: str
    program: Callable[[Bench], str]
    cold: Sequence[str]
    again: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    fine: Sequence[int] = (0,)


class NotInstalled(Exception):
    """A program is not installed and could not be installed. The message has the way to install it."""


def _debian(name: str, package: str, bench: Bench) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"not installed: `apt-get install {package}`")
    return found


def _from_pypi(requirement: str, name: str, python: Callable[[], str], bench: Bench) -> str:
    place = bench.peers / name
    program = place / "bin" / name
    if not program.exists():
        remove(place)
        for command in (
            [python(), "-m", "venv", str(place)],
            [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install", requirement],
        ):
            _install(command, f"`pip install {requirement}`")
    return str(program)


def _from_npm(requirement: str, name: str, bench: Bench) -> str:
    place = bench.peers / name
    program = place / "node_modules" / ".bin" / name
    if not program.exists():
        if shutil.which("npm") is None:
            raise NotInstalled(f"not installed: `npm install {requirement}` (npm is missing)")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--include=optional"]
        place.mkdir(parents=True, exist_ok=True)
        _install([*command, "--prefix", str(place), requirement], f"`npm install {requirement}`")
    return str(program)


def _install(command: Sequence[str], how: str) -> None:
    # With the user's environment: it configures the package registries.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NotInstalled(f"not installed: {how} failed ({' '.join(last)[:120]})")


def _this_python() -> str:
    return sys.executable


def _new_python() -> str:
    """Return the path of a Python recent enough for atif-sql. Raises NotInstalled."""
    candidates = [sys.executable] if sys.version_info >= _ATIF_PYTHON else []
    candidates += [found for minor in (14, 13) if (found := shutil.which(f"python3.{minor}"))]
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path) for minor in (14, 13) for path in sorted(kept.glob(f"3.{minor}.*/bin/python"))]
    for candidate in candidates:
        code = f"import sys; sys.exit(sys.version_info < {_ATIF_PYTHON})"
        if subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode == 0:
            return candidate
    raise NotInstalled(f"not installed: {ATIF} needs Python 3.13 or newer, and none was found")


PEERS: Final[Sequence[Peer]] = (
    Peer(
        "restic backup",
        "copies bytes (deduplicated, encrypted); parses nothing, no rows, no SQL",
        partial(_debian, "restic", "restic"),
        cold=("{program}", "-q", "backup", "{home}"),
        again=("{program}", "-q", "backup", "{home}"),
        before=(("{program}", "-q", "init"),),
        env={"RESTIC_REPOSITORY": "{out}/repository", "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": "{out}/cache"},
    ),
    Peer(
        "borg create",
        "copies bytes (deduplicated, zstd); parses nothing, no rows, no SQL",
        partial(_debian, "borg", "borgbackup"),
        cold=("{program}", "create", "--compression", "zstd", "{out}/repository::first", "{home}"),
        again=("{program}", "create", "--compression", "zstd", "{out}/repository::again-{number}", "{home}"),
        before=(("{program}", "init", "--encryption", "none", "{out}/repository"),),
        env={"BORG_BASE_DIR": "{out}/base", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"},
        fine=(0, 1),
    ),
    Peer(
        "agentsview sync",
        "`projects/` alone, into SQLite with full-text search; other sources, raw bytes and provenance by offset are "
        "not kept",
        partial(_from_pypi, AGENTSVIEW, "agentsview", _this_python),
        cold=("{program}", "sync"),
        again=("{program}", "sync"),
        env={"AGENTSVIEW_DATA_DIR": "{out}", "CLAUDE_PROJECTS_DIR": "{home}/projects", "AGENTSVIEW_NO_DAEMON": "1"},
    ),
    Peer(
        "agentsview archive capture",
        "copies files uncompressed with their SHA-256; nothing is parsed, modes and links are not kept, each capture "
        "copies everything again",
        partial(_from_pypi, AGENTSVIEW, "agentsview", _this_python),
        cold=("{program}", "archive", "capture", "{out}/first", "--root", "claude={home}", "--writers-stopped"),
        again=(
            *("{program}", "archive", "capture", "{out}/again-{number}", "--root", "claude={home}"),
            *("--writers-stopped", "--identity-from", "{out}/first/capture.json"),
        ),
        env={"AGENTSVIEW_DATA_DIR": "{out}/data", "AGENTSVIEW_NO_DAEMON": "1"},
    ),
    Peer(
        "atif-sql materialize",
        "`projects/` alone, into compressed JSON for each session; its tables for SQL are a further step; sessions "
        "that it cannot convert are left out",
        partial(_from_pypi, ATIF, "atif-sql", _new_python),
        cold=("{program}", "materialize", "--source-root", "{home}/projects", "--corpus-root", "{out}/corpus"),
        again=("{program}", "materialize", "--source-root", "{home}/projects", "--corpus-root", "{out}/corpus"),
        env={"ATIF_SQL_LAKE_ROOT": "{out}/lake"},
        fine=(0, 1),
    ),
    Peer(
        "ccusage daily",
        "token counts of `projects/` alone, printed; keeps nothing",
        partial(_from_npm, CCUSAGE, "ccusage"),
        cold=("{program}", "daily", "--offline", "--json"),
        again=("{program}", "daily", "--offline", "--json"),
        env={"CLAUDE_CONFIG_DIR": "{home}"},
    ),
)


def others(bench: Bench) -> Section:
    """Measure the first and second run of the other programs and of this project."""
    section = Section(
        "others",
        "Other programs",
        "A first run into nothing, then a second one with nothing changed, on the same home. Each does less; the last "
        "column says what.",
        shows_figures=False,
    )
    for home in bench.homes(bench.mb * 0.4):
        own = home if home.is_ours else bench.copy_of(home)
        rows = [_row(*_ours(bench, section, own))]
        for peer in PEERS:
            try:
                rows.append(_row(*_measure(bench, section, own, peer)))
            except (NotInstalled, CommandFailed) as error:
                rows.append([peer.name, *[""] * (len(_HEADINGS) - 1), f"{error}. It does: {peer.less}"])
        section.tables.append(Table([home.label, *_HEADINGS], rows))
        if own is not home:
            remove(own.root)
    return section


_HEADINGS: Final = (
    "first run, S",
    "second, S",
    "first, CPU, S",
    "first, s",
    "second, s",
    "peak MB",
    "output MB",
    "what it does",
)


def _row(first: Figure, again: Figure) -> list[str]:
    return [
        first.name,
        ratio(first.ratio),
        ratio(again.ratio),
        ratio(first.cpu_ratio),
        spread(first.wall),
        spread(again.wall),
        megabytes(max(first.peak or first.largest, again.peak or again.largest)),
        megabytes(first.output),
        first.does,
    ]


def _ours(bench: Bench, section: Section, home: Home) -> tuple[Figure, Figure]:
    data = bench.place("data/others")
    first = section.figure("**extract run**", "all sources: bytes, rows, provenance, proof; a warehouse for SQL")
    again = section.figure("extract run, second")
    bench.repeat(first, home, data, partial(remove, data))
    first.output = tree_bytes(data)
    bench.repeat(again, home, data)
    remove(data)
    return first, again


def _measure(bench: Bench, section: Section, home: Home, peer: Peer) -> tuple[Figure, Figure]:
    program = peer.program(bench)
    out = bench.place("others/out")
    values = {"home": str(home.root), "out": str(out), "program": program}
    env = bench.env(**{name: value.format(**values) for name, value in peer.env.items()})

    def prepare() -> None:
        remove(out)
        for folder in (out, out / "data"):
            folder.mkdir()
        for command in peer.before:
            run([word.format(**values) for word in command], env=env)

    first, again = Figure(peer.name, peer.less), Figure(f"{peer.name}, second")
    try:
        bench.side_by_side(home, [Candidate(first, _filled(peer.cold, values, 0), prepare, env, peer.fine)])
        first.output = tree_bytes(out) or None
        for number in range(bench.runs):
            command = _filled(peer.again, values, number)
            bench.side_by_side(home, [Candidate(again, command, env=env, fine=peer.fine)], 1)
    finally:
        remove(out)
    section.figures += [first, again]
    return first, again


def _filled(words: Sequence[str], values: Mapping[str, str], number: int) -> list[str]:
    return [word.format(number=number, **values) for word in words]
