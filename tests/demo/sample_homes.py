"""Shared by the tests of sample homes: their files and records."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import orjson

Record = dict[str, object]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TRANSCRIPT = re.compile(rf"projects/[^/]+/(?:{UUID}\.jsonl|agent-[0-9a-f]+\.jsonl|{UUID}/subagents/agent-[^/]+\.jsonl)")


def walk(root: Path) -> Iterator[Path]:
    """Yield everything below a directory, in the order of names."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted([*folders, *names]):
            yield Path(folder, name)


def files(root: Path) -> dict[str, bytes]:
    """Return the bytes of every regular file by its relative path."""
    found = (path for path in walk(root) if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def tree_digest(root: Path) -> str:
    """Return a digest of all names, kinds, modes, modification times, targets of links and bytes."""
    digest = hashlib.sha256()
    for path in walk(root):
        info = path.lstat()
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        mode = 0 if path.is_symlink() else info.st_mode
        digest.update(f"{path.relative_to(root).as_posix()}|{mode:o}|{info.st_mtime_ns}|{len(content)}|".encode())
        digest.update(content)
    return digest.hexdigest()


def transcripts(root: Path) -> dict[str, list[bytes]]:
    """Return the lines of every transcript by its relative path."""
    found = {path: data for path, data in files(root).items() if TRANSCRIPT.fullmatch(path)}
    return {path: data.removesuffix(b"\n").split(b"\n") if data else [] for path, data in found.items()}


def good_records(root: Path) -> dict[str, list[Record]]:
    """Return the records of every transcript that can be parsed."""
    found: dict[str, list[Record]] = {}
    for path, lines in transcripts(root).items():
        found[path] = []
        for line in lines:
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(record, dict):
                found[path].append(record)
    return found
