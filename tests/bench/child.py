"""The parts of the benchmark that import the project, run as child processes: making homes, growing them, listing the
files that a run reads. `python -m tests.bench.child WHAT ARGUMENT…` prints one JSON object.
"""

import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast

from extractors.reading.registry import Classifier, Treatment
from models.json import JsonObject
from pipelines.demo.demo import Mix, grow_home, make_home
from pipelines.run.inventory import take_snapshot

_FILES_PER_DIRECTORY: Final = 250
_TIMES: Final = 1_760_000_000, 1_780_000_000


def make(root: str, mb: str, seed: str, mix: str, files: str) -> JsonObject:
    """Make a sample home; if `files` is not 0, add or remove small files until it has so many."""
    made = make_home(Path(root), mb=float(mb), seed=int(seed), mix=cast(Mix, mix))
    wanted = int(files) or made.files
    add_small_files(Path(root), max(0, wanted - made.files), int(seed))
    remove_small_files(Path(root), max(0, made.files - wanted))
    return {"files": wanted}


def grow(root: str, seed: str, fraction: str) -> JsonObject:
    """Change a home as a week of use would: with the generator's `grow_home` if it made the home, else by appending to
    the newest transcripts.
    """
    home = Path(root)
    try:
        grow_home(home, seed=int(seed), fraction=float(fraction))
    except ValueError:
        append_to_transcripts(home, float(fraction))
    return {}


def append_to_transcripts(home: Path, fraction: float) -> None:
    """Append to the newest transcripts copies of their own lines, in total `fraction` of the bytes of all
    transcripts.
    """
    found = sorted(home.glob("projects/**/*.jsonl"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    wanted = int(sum(path.stat().st_size for path in found) * fraction)
    for path in found:
        if wanted <= 0:
            return
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - wanted))
            lines = file.read().splitlines(keepends=True)[1:]
        tail = b"".join(lines)
        if tail.endswith(b"\n"):
            with path.open("ab") as file:
                file.write(tail)
            wanted -= len(tail)


def many(root: str, count: str, seed: str) -> JsonObject:
    """Make a home of `count` files of about 1 kB."""
    home = Path(root)
    home.mkdir(parents=True)
    add_small_files(home, int(count), int(seed))
    return {"files": int(count)}


def add_small_files(home: Path, count: int, seed: int) -> None:
    """Add files of about 1 kB: file versions, debug logs, todo lists and transcripts in equal numbers."""
    rng = random.Random(seed)
    for number in range(count):
        name, data = _small_file(rng, number)
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        seconds = rng.randrange(*_TIMES)
        os.utime(path, (seconds, seconds))


def remove_small_files(home: Path, count: int) -> None:
    """Remove the smallest todo lists, plans and file versions, which are most of a home's files."""
    found = [path for kind in ("todos", "tasks", "plans", "file-history") for path in (home / kind).rglob("*")]
    sizes = sorted((path.stat().st_size, path) for path in found if path.is_file() and not path.is_symlink())
    for _, path in sizes[:count]:
        path.unlink()


def _small_file(rng: random.Random, number: int) -> tuple[str, bytes]:
    session = _uuid(rng)
    words = " ".join(f"{rng.getrandbits(40):x}" for _ in range(90))
    match number % 4:
        case 0:
            group = hashlib.md5(f"{number // (4 * _FILES_PER_DIRECTORY)}".encode(), usedforsecurity=False).hexdigest()
            folder = f"{group[:8]}-{group[8:12]}-4{group[13:16]}-8{group[17:20]}-{group[20:32]}"
            return f"file-history/{folder}/{rng.getrandbits(64):016x}@v1", f"{words}\n".encode()
        case 1:
            line = f"2026-01-01T00:00:00.000Z [DEBUG] {words[:95]}\n"
            return f"debug/{session}.txt", (line * 8).encode()
        case 2:
            item = {"content": words[:900], "status": "pending", "activeForm": words[:60]}
            return f"todos/{session}-agent-{session}.json", json.dumps([item]).encode()
        case _:
            folder = f"projects/-home-mira-work-{number // (4 * _FILES_PER_DIRECTORY)}"
            return f"{folder}/{session}.jsonl", _record(rng, session, words[:600])


def _record(rng: random.Random, session: str, text: str) -> bytes:
    record = {
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": "/home/mira/work",
        "sessionId": session,
        "version": "2.1.100",
        "type": "user",
        "message": {"role": "user", "content": text},
        "uuid": _uuid(rng),
        "timestamp": "2026-01-01T00:00:00.000Z",
    }
    return json.dumps(record).encode() + b"\n"


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def line(root: str, megabytes: str, seed: str) -> JsonObject:
    """Make a home whose transcript has a line of so many megabytes between two lines of normal size."""
    rng = random.Random(int(seed))
    folder = Path(root) / "projects" / "-home-mira-work"
    folder.mkdir(parents=True)
    session = _uuid(rng)
    path = folder / f"{session}.jsonl"
    head, tail = _record(rng, session, "@").rstrip(b"\n").split(b"@")
    with path.open("wb") as file:
        file.write(_record(rng, session, "before"))
        file.write(head)
        for block in _blocks(rng, int(float(megabytes) * 1_000_000)):
            file.write(block)
        file.write(tail + b"\n")
        file.write(_record(rng, session, "after"))
    os.utime(path, (_TIMES[0], _TIMES[0]))
    return {"files": 1}


def _blocks(rng: random.Random, size: int) -> Iterator[bytes]:
    while size > 0:
        block = " ".join(f"{rng.getrandbits(48):x}" for _ in range(60_000)).encode()[:size]
        size -= len(block)
        yield block


def listed(root: str, target: str) -> JsonObject:
    """Write the NUL-terminated paths of the files that a first run reads to `target`; return their number and size."""
    items = take_snapshot(Path(root), Classifier(()))
    read = [
        item
        for item in items
        if item.found.kind == "file" and item.place.treatment in (Treatment.EXTRACT, Treatment.ARCHIVE)
    ]
    prefix = os.fsencode(root) + b"/"
    Path(target).write_bytes(b"".join(prefix + item.found.path + b"\0" for item in read))
    lines = [item for item in read if item.found.path.endswith(b".jsonl")]
    Path(f"{target}.jsonl").write_bytes(b"".join(prefix + item.found.path + b"\0" for item in lines))
    return {
        "files": len(read),
        "bytes": sum(item.found.stat.size for item in read),
        "line_bytes": sum(item.found.stat.size for item in lines),
    }


_COMMANDS: Final[Mapping[str, Callable[..., JsonObject]]] = {
    "make": make,
    "grow": grow,
    "many": many,
    "line": line,
    "list": listed,
}

if __name__ == "__main__":
    print(json.dumps(_COMMANDS[sys.argv[1]](*sys.argv[2:])))
