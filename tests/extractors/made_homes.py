"""Shared by the tests of reading a home: files to write, and the entries that reading finds."""

import os
from pathlib import Path

from extractors.home.found import Found
from extractors.home.home import Home, walk


def at(home: Path, path: bytes) -> Path:
    return home / os.fsdecode(path)


def write(home: Path, path: bytes, content: bytes = b"content") -> Path:
    file = at(home, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def found_below(home: Path) -> dict[bytes, Found]:
    """Return the entries of a walk, and check that it has the same names as the directories."""
    seen = {found.path: found for found in walk(home)}
    with Home(home) as opened:
        assert sorted(opened.names()) == sorted(seen)
    return seen


def content_of(home: Path, path: bytes) -> bytes:
    with Home(home) as opened, opened.open(path) as file:
        return file.read(0, file.stat.size)


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))
