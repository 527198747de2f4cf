"""The context of all measurements: directories, number of repetitions, homes, and the yardstick."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from models.json import JsonObject
from tests.bench.process import CommandFailed, Ran, run
from tests.bench.report import Figure

ROOT: Final = Path(__file__).resolve().parents[2]
_DONE: Final = (0, 4)
"""Exit codes of a successful run: verified, and verified with rejects, which a sample home has."""


@dataclass(frozen=True, slots=True)
class Home:
    """A home to measure on, and the file with the NUL-terminated paths that a first run reads.

    `is_ours`: the benchmark made or copied it, and may change it.
    """

    label: str
    root: Path
    is_ours: bool
    list_path: Path
    files: int
    bytes: int
    line_bytes: int


@dataclass(slots=True)
class Candidate:
    """A command to compare with the yardstick, and the preparation before each run of it."""

    figure: Figure
    command: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    env: Mapping[str, str] | None = None
    fine: Sequence[int] = (0,)


@dataclass(slots=True)
class Bench:
    """One call of the benchmark. It writes below `scratch` and installs other programs below `peers`; `mb`, `seed`,
    `runs` and `given` (the homes) come from the command line.
    """

    scratch: Path
    peers: Path
    mb: float
    seed: int
    runs: int
    given: Sequence[Path] = ()
    _homes: dict[str, Home] = field(default_factory=dict)
    _data: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the directories in which programs look for settings, empty."""
        self.user.mkdir(parents=True, exist_ok=True)

    @property
    def user(self) -> Path:
        """The empty directory that every measured program gets as HOME."""
        return self.scratch / "user"

    @property
    def scale(self) -> float:
        """The size of the homes relative to the default size."""
        return self.mb / 250

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of a measured program, without the user's settings and those of Claude Code."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
        return {**kept, "HOME": str(self.user), "PYTHONUTF8": "1", "NO_COLOR": "1", **more}

    def child(self, *arguments: str, module: str = "child") -> JsonObject:
        """Run a module of the benchmark as a process and return the JSON that it printed. Raises CommandFailed."""
        ran = run([sys.executable, "-m", f"tests.bench.{module}", *arguments], env=self.env(), cwd=ROOT)
        value: JsonObject = json.loads(ran.out)
        return value

    def extract_command(self, *arguments: str) -> list[str]:
        """Return the command line of `extract` in this checkout."""
        return [sys.executable, "-m", "pipelines", *arguments]

    def run_command(self, home: Home, data: Path) -> list[str]:
        """Return the command of a run."""
        return self.extract_command("run", "--home", f"bench={home.root}", "--data", str(data), "--json")

    def extract(self, home: Home, data: Path) -> tuple[Ran, JsonObject]:
        """Do a run; return its measurements and its JSON summary."""
        ran = run(self.run_command(home, data), env=self.env(), cwd=ROOT, fine=_DONE)
        summary: JsonObject = json.loads(ran.out)
        return ran, summary

    def made(self, mb: float, *, mix: str = "transcripts", files: int = 0) -> Home:
        """Return a sample home of so many megabytes, made at the first call; with small files added or removed until it
        has `files` (0: as made).
        """
        label = f"{mb:g} MB, {mix}" + (f", {files:,} files" if files else "")
        if label not in self._homes:
            root = self._place()
            self.child("make", str(root), str(mb), str(self.seed), mix, str(files))
            self._homes[label] = self._listed(label, root, is_ours=True)
        return self._homes[label]

    def many_files(self, count: int) -> Home:
        """Return a home of `count` files of about 1 kB."""
        label = f"{count:,} files of 1 kB"
        if label not in self._homes:
            root = self._place()
            self.child("many", str(root), str(count), str(self.seed))
            self._homes[label] = self._listed(label, root, is_ours=True)
        return self._homes[label]

    def one_line(self, mb: float) -> Home:
        """Return a home with one line of so many megabytes."""
        label = f"a line of {mb:g} MB"
        if label not in self._homes:
            root = self._place()
            self.child("line", str(root), str(mb), str(self.seed))
            self._homes[label] = self._listed(label, root, is_ours=True)
        return self._homes[label]

    def homes(self, mb: float) -> list[Home]:
        """Return the homes of the command line, else a sample home of so many megabytes."""
        if not self.given:
            return [self.made(mb)]
        for number, path in enumerate(self.given, 1):
            label = f"given home {number}"
            if label not in self._homes:
                self._homes[label] = self._listed(label, path, is_ours=False)
        return [self._homes[f"given home {number}"] for number in range(1, len(self.given) + 1)]

    def copy_of(self, home: Home) -> Home:
        """Return a copy of a home, with its times and modes, that may be changed."""
        root = self._place()
        copy_tree(home.root, root)
        return self._listed(home.label, root, is_ours=True)

    def grow(self, home: Home, week: int, fraction: float = 0.01) -> None:
        """Change a home as a week of use would; it must be `is_ours`."""
        if not home.is_ours:
            raise CommandFailed(f"{home.root} was given and is never changed")
        self.child("grow", str(home.root), str(self.seed * 1000 + week), str(fraction))

    def listed_again(self, home: Home) -> Home:
        """Return the home with an updated list of its files."""
        return self._listed(home.label, home.root, is_ours=home.is_ours)

    def place(self, name: str) -> Path:
        """Return an unused path below the scratch directory."""
        path = self.scratch / name
        remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def yardstick(self, home: Home) -> Ran:
        """Measure `sha256sum` on every file that a run reads, as consecutive processes."""
        return run(["xargs", "-0", "-a", str(home.list_path), "sha256sum"], env=self.env())

    def side_by_side(self, home: Home, candidates: Sequence[Candidate], runs: int | None = None) -> None:
        """Measure each candidate `runs` times, each time after the yardstick."""
        self.yardstick(home)  # warms the page cache
        for _ in range(runs or self.runs):
            for candidate in candidates:
                candidate.prepare()
                yard = self.yardstick(home)
                command = candidate.command
                candidate.figure.add(run(command, env=candidate.env or self.env(), cwd=ROOT, fine=candidate.fine), yard)

    def data_of(self, home: Home) -> Path:
        """Return a data directory with one run over a home; measurements share it and must not change it."""
        if home.label not in self._data:
            self._data[home.label] = self.place(f"data/shared-{len(self._data)}")
            self.extract(home, self._data[home.label])
        return self._data[home.label]

    def repeat(
        self,
        figure: Figure,
        home: Home,
        data: Path,
        prepare: Callable[[], None] = lambda: None,
        runs: int | None = None,
    ) -> list[tuple[Ran, JsonObject]]:
        """Measure runs of the project over a home, each after `prepare` and the yardstick. Returns the measurements and
        the JSON summary of each.
        """
        self.yardstick(home)  # warms the page cache
        done = []
        for _ in range(runs or self.runs):
            prepare()
            yard = self.yardstick(home)
            ran, summary = self.extract(home, data)
            figure.add(ran, yard)
            done.append((ran, summary))
        return done

    def _place(self) -> Path:
        number = 0
        while (path := self.scratch / "homes" / str(number)).exists():
            number += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _listed(self, label: str, root: Path, *, is_ours: bool) -> Home:
        lists = self.scratch / "lists"
        lists.mkdir(exist_ok=True)
        target = lists / f"{len(list(lists.iterdir()))}"
        counts = self.child("list", str(root.absolute()), str(target))
        files, size, lines = (counts[name] for name in ("files", "bytes", "line_bytes"))
        if not isinstance(files, int) or not isinstance(size, int) or not isinstance(lines, int):
            raise CommandFailed("tests.bench.child list: counts are whole numbers")
        return Home(label, root.absolute(), is_ours, target, files, size, lines)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a directory tree to `target`, replacing it, with links, modes and times."""
    remove(target)
    run(["cp", "-a", str(source), str(target)])


def remove(path: Path) -> None:
    """Remove a directory tree, including read-only files and directories."""
    if path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def tree_bytes(*paths: Path) -> int:
    """Return the total size in bytes of the files below these paths."""
    return sum(
        below.lstat().st_size
        for path in paths
        for below in ([path] if path.is_file() else path.rglob("*"))
        if below.is_file() and not below.is_symlink()
    )
