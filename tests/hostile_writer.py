"""Writers that change a home in every way while it is read. Run as `python -m tests.hostile_writer HOME OUTSIDE KIND`.

Each kind has its own files. Every line contains its kind, the generation of its file, its number and a checksum of all
of these, so that a test can check any line for completeness and knows its neighbours. A file at rest has the lines 0,
1, 2, … of one generation; only the last line may be incomplete. At SIGTERM a writer leaves complete files and stops.
"""

import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from zlib import crc32

SECRET: Final = "never to be read, it lies outside"
"""The content of every file outside the home to which a link points."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_SMALL, _LARGE = 60, 1500


def text_of(kind: str, generation: int, number: int, longest: int = _SMALL) -> str:
    """Return the self-describing text of a line: the same for the same arguments."""
    chance = random.Random(f"{kind} {generation} {number}")
    padding = chance.choice(_LETTERS) * (longest - (0 if longest == _LARGE else chance.randrange(longest)))
    held = f"{kind} {generation:06d} {number:06d} {padding}"
    return f"{held} {crc32(held.encode()):08x}"


def check_text(text: str) -> tuple[str, int, int] | None:
    """Return kind, generation and number of a text whose checksum is correct, else None."""
    held, _, checksum = text.rpartition(" ")
    parts = held.split(" ")
    if len(parts) != 4 or f"{crc32(held.encode()):08x}" != checksum:
        return None
    return parts[0], int(parts[1]), int(parts[2])


def line_of(path: str, text: str) -> bytes:
    """Return the line for a text in the format of the file `path`."""
    if path.startswith("debug/"):
        return f"2026-01-23T16:46:29.314Z [DEBUG] {text}\n".encode()
    session = uuid.uuid5(uuid.NAMESPACE_OID, path)
    if path == "history.jsonl":
        fields = f'"display":"{text}","pastedContents":{{}},"timestamp":1768724500000,"project":"/p"'
        return f'{{{fields},"sessionId":"{session}"}}\n'.encode()
    record = uuid.uuid5(session, text)
    message = f'{{"role":"user","content":"{text}"}}'
    head = f'"type":"user","uuid":"{record}","parentUuid":null,"sessionId":"{session}","cwd":"/p","version":"2.1.30"'
    return f'{{{head},"timestamp":"2026-01-02T00:00:00.000Z","message":{message}}}\n'.encode()


class Writer:
    """A writer of one kind."""

    def __init__(self, home: Path, outside: Path, kind: str, seed: int) -> None:
        self.home, self.outside, self.kind = home, outside / kind, kind
        self.chance = random.Random(seed)
        self.generation: dict[str, int] = {}
        self.count: dict[str, int] = {}
        project = f"projects/-{kind}"
        self.paths = [f"{project}/{uuid.uuid5(uuid.NAMESPACE_URL, kind + str(n))}.jsonl" for n in range(3)]
        self.paths.append(f"debug/{kind}.txt")
        if kind == "torn":
            self.paths.append("history.jsonl")
        self.outside.mkdir(parents=True, exist_ok=True)
        for path in self.paths:
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            self.replace(path, 30)

    def size_of(self, path: str) -> tuple[int, int]:
        """Return the number and length of the lines of a rewritten file: one file is larger than a read buffer."""
        return (1600, _LARGE) if path == self.paths[0] and self.kind in ("rewrite", "rename") else (60, _SMALL)

    def lines(self, path: str, start: int, end: int) -> bytes:
        """Return lines of the current generation of a file."""
        longest = self.size_of(path)[1]
        numbers = range(start, end)
        made = [line_of(path, text_of(self.kind, self.generation[path], n, longest)) for n in numbers]
        return b"".join(made)

    def next_generation(self, path: str, count: int) -> bytes:
        """Start a new generation of `count` lines and return them."""
        self.generation[path] = self.generation.get(path, 0) + 1
        self.count[path] = count
        return self.lines(path, 0, count)

    def more(self, path: str, count: int) -> bytes:
        """Return the next `count` lines of a file."""
        start = self.count[path]
        self.count[path] += count
        return self.lines(path, start, self.count[path])

    def replace(self, path: str, count: int) -> None:
        """Replace a file by a new generation, atomically."""
        aside = self.outside / "aside"
        aside.write_bytes(self.next_generation(path, count))
        os.replace(aside, self.home / path)

    def append_bytes(self, path: str, data: bytes) -> None:
        """Append bytes to a file with one write."""
        with open(self.home / path, "ab", buffering=0) as file:
            file.write(data)

    def pause(self, longest: float) -> None:
        """Wait for a random time up to `longest` seconds."""
        time.sleep(self.chance.uniform(0, longest))

    def append(self, path: str) -> None:
        """Append complete lines."""
        self.append_bytes(path, self.more(path, self.chance.randrange(1, 12)))
        self.pause(0.1)

    def torn(self, path: str) -> None:
        """Append lines cut at a random position, and the rest of them after a pause."""
        data = self.more(path, self.chance.randrange(1, 5))
        cut = self.chance.randrange(1, len(data))
        self.append_bytes(path, data[:cut])
        self.pause(0.2)
        self.append_bytes(path, data[cut:])
        self.pause(0.1)

    def rewrite(self, path: str) -> None:
        """Overwrite the file in place with a new generation of the same length or longer, with one write."""
        before = (self.home / path).stat().st_size
        count = self.size_of(path)[0]
        data = self.next_generation(path, count)
        while len(data) < before:
            data += self.more(path, 1)
        with open(self.home / path, "r+b", buffering=0) as file:
            file.write(data)
        self.pause(0.3)

    def rename(self, path: str) -> None:
        """Rename a new generation over the file."""
        self.replace(path, self.size_of(path)[0])
        self.pause(0.3)

    def truncate(self, path: str) -> None:
        """Truncate the file at a random position, then to zero, then write a new generation in several writes."""
        place = self.home / path
        os.truncate(place, self.chance.randrange(place.stat().st_size + 1))
        self.pause(0.05)
        os.truncate(place, 0)
        self.pause(0.05)
        self.append_bytes(path, self.next_generation(path, 10))
        for _ in range(self.chance.randrange(5)):
            self.append(path)

    def delete(self, path: str) -> None:
        """Delete the file and create it again."""
        (self.home / path).unlink()
        self.pause(0.1)
        self.append_bytes(path, self.next_generation(path, 10))
        for _ in range(self.chance.randrange(5)):
            self.append(path)

    def chmod(self, path: str) -> None:
        """Remove the read permission and restore it."""
        (self.home / path).chmod(0)
        self.pause(0.2)
        (self.home / path).chmod(0o644)
        self.pause(0.2)

    def link(self, path: str) -> None:
        """Replace the file or its directory by a link to outside the home, and restore it."""
        of_directory = path.startswith("projects/") and self.chance.random() < 0.5
        place = (self.home / path).parent if of_directory else self.home / path
        decoy = self.outside / "decoy"
        decoy.mkdir(exist_ok=True)
        (decoy / Path(path).name).write_bytes(line_of(path, SECRET))
        aside = self.outside / "moved"
        os.rename(place, aside)
        place.symlink_to(decoy if of_directory else decoy / Path(path).name)
        self.pause(0.1)
        place.unlink()
        os.rename(aside, place)
        self.pause(0.1)


_WAYS: Final[Mapping[str, Callable[[Writer, str], None]]] = {
    "append": Writer.append,
    "torn": Writer.torn,
    "rewrite": Writer.rewrite,
    "rename": Writer.rename,
    "truncate": Writer.truncate,
    "delete": Writer.delete,
    "chmod": Writer.chmod,
    "link": Writer.link,
}
KINDS: Final = tuple(_WAYS)
"""The kinds of writers."""


def kind_of(path: str) -> str:
    """Return the kind of writer that owns a file; "" if none does."""
    if path == "history.jsonl":
        return "torn"
    named = path.split("/")[1].removeprefix("-").removesuffix(".txt") if "/" in path else ""
    return named if named in KINDS else ""


def main(home: Path, outside: Path, kind: str, seed: int) -> None:
    """Write until SIGTERM, then print the number of cycles."""
    stop = False

    def ask_to_stop(signal_number: int, frame: object) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    writer = Writer(home, outside, kind, seed)
    print("ready", flush=True)
    done = 0
    while not stop:
        _WAYS[kind](writer, writer.chance.choice(writer.paths))
        done += 1
    print(done, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
