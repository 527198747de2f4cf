"""Writes and counts the files of a sample home, with their modes and modification times."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from pipelines.demo.rng import Rng


@dataclass(frozen=True)
class Oddity:
    """A damage or rarity that was planted on purpose: `length` bytes from `offset` in the file at `path`.

    `path` is relative to the home, with `/` between its parts.
    """

    code: str
    path: str
    description: str
    offset: int = 0
    length: int = 0


def source_of(path: str) -> str:
    """Return the source of a file: the first part of its path, without `.jsonl` or `.json`."""
    return path.split("/", 1)[0].removesuffix(".jsonl").removesuffix(".json")


class Tree:
    """A directory into which files are written, each with its time (epoch milliseconds).

    Call `finish` at the end: it sets the times of the directories, which writing into them changes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bytes = 0
        self.files = 0
        self.kinds: Counter[str] = Counter()
        self.entries: Counter[str] = Counter()
        self.oddities: list[Oddity] = []
        self._folders: dict[str, int] = {"": 0}
        self._base = os.fspath(root)

    def folder(self, path: str, ms: int) -> None:
        """Make a directory and its parents; `finish` gives each the time of its newest child."""
        known = self._folders
        if known.get(path, -1) >= ms:
            return
        if path not in known:
            (self.root / path).mkdir(parents=True, exist_ok=True)
        while path:
            known[path] = max(known.get(path, 0), ms)
            path = path.rpartition("/")[0]
        known[""] = max(known[""], ms)

    def without_folder(self, path: str) -> None:
        """Remove an empty directory."""
        (self.root / path).rmdir()
        self._folders.pop(path, None)

    def has(self, path: str) -> bool:
        """Return whether a file of this name exists."""
        return os.path.lexists(f"{self._base}/{path}")

    def write(self, path: str, data: bytes, ms: int, *, entries: int = 1, mode: int = 0o600, kind: str = "") -> None:
        """Write a file with a time and a mode, and count it under its source and its kind."""
        self.folder(path.rpartition("/")[0], ms)
        full = f"{self._base}/{path}"
        with open(full, "xb") as file:
            file.write(data)
        os.chmod(full, mode)
        os.utime(full, ns=(ms * 1_000_000, ms * 1_000_000))
        self.files += 1
        self.bytes += len(data)
        self.kinds[kind or source_of(path)] += len(data)
        self.entries[source_of(path)] += entries

    def text(self, path: str, text: str, ms: int, *, mode: int = 0o644, entries: int = 1) -> None:
        """Write a file of UTF-8 text."""
        self.write(path, text.encode(), ms, mode=mode, entries=entries)

    def json(self, path: str, value: object, ms: int, *, indent: bool = True, mode: int = 0o644) -> None:
        """Write a file of JSON, indented by two as JavaScript does it."""
        self.write(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0), ms, mode=mode)

    def lines(self, path: str, values: Iterable[object], ms: int, *, mode: int = 0o600) -> None:
        """Write a file of JSON Lines, which counts as one entry."""
        self.write(path, b"".join(orjson.dumps(value) + b"\n" for value in values), ms, mode=mode)

    def link(self, path: str, target: str, ms: int) -> bool:
        """Make a symbolic link; return False where the system does not allow it."""
        self.folder(path.rpartition("/")[0], ms)
        full = f"{self._base}/{path}"
        try:
            os.symlink(target, full)
        except (OSError, NotImplementedError):
            return False
        if os.utime in os.supports_follow_symlinks:
            os.utime(full, ns=(ms * 1_000_000, ms * 1_000_000), follow_symlinks=False)
        return True

    def plant(self, code: str, path: str, description: str, offset: int = 0, length: int = 0) -> None:
        """Record an oddity for the summary."""
        self.oddities.append(Oddity(code, path, description, offset, length))

    def finish(self) -> None:
        """Give the directories their modes and times, the deepest first."""
        for path in sorted(self._folders, key=lambda path: (-path.count("/"), path)):
            if path:
                _date_folder(f"{self._base}/{path}", self._folders[path], 0o755)
        _date_folder(self._base, self._folders[""], 0o700)


def _date_folder(full: str, ms: int, mode: int) -> None:
    if not os.path.isdir(full):  # It was removed with the last file in it.
        return
    os.chmod(full, mode)
    with contextlib.suppress(PermissionError):  # Windows may refuse it for directories
        os.utime(full, ns=(ms * 1_000_000, ms * 1_000_000))


def key_material(rng: Rng) -> str:
    """Return a fake secret: text that says that it is fake, then random characters."""
    return f"sk-ant-demo-not-a-secret-{rng.token(24)}"
