"""Calls the command line for tests, in this process with replaced streams or in another process; and writes a home
whose content attacks terminals and spreadsheets.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.cli.app import invoke

ROOT = Path(__file__).resolve().parents[1]
SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
HOSTILE = (
    "=cmd|' /C calc'!A0 \x1b]0;pwned\x07\x1b[31m\x9b31m [/nope][link=http://x]l[/link] :smile: \u202eevil\u200b\r\x7f"
)
"""A prompt that a terminal, Rich or a spreadsheet would interpret, and that looks like something else on a screen."""


@dataclass(frozen=True)
class Kept:
    """A home and the data directory of a run over it."""

    home: Path
    data: Path


def prompt(text: str, number: int = 0) -> bytes:
    """Return a line of history.jsonl."""
    line = {
        "display": text,
        "pastedContents": {},
        "timestamp": 1768724500000 + number,
        "project": "/p",
        "sessionId": SESSION,
    }
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def make_home(home: Path) -> Path:
    """Write a small home: prompts, a log, a todo list, a plan, a secret, and file names with control characters."""
    files = {
        b"history.jsonl": prompt("one", 1) + prompt(HOSTILE, 2) + prompt("two", 3),
        f"debug/{SESSION}.txt".encode(): b"2026-01-23T16:46:29.314Z [DEBUG] [render] first\n",
        f"todos/{SESSION}-agent-{SESSION}.json".encode(): b'[{"content":"do","status":"pending","id":"1"}]',
        b"plans/a-plan.md": b"# A plan\n",
        b"plugins/cache/x/index.js": b"1",
        b".credentials.json": b'{"token":"s3cr3t"}',
        b"odd/\x1b[31m\xff\nname\\.txt": b"named oddly",
    }
    for path, content in files.items():
        place = os.fsencode(home) + b"/" + path
        os.makedirs(os.path.dirname(place), exist_ok=True)
        Path(os.fsdecode(place)).write_bytes(content)
    return home


@dataclass(frozen=True)
class Ran:
    """The exit code and the output of a command."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.raw.decode()

    @property
    def lines(self) -> list[str]:
        """Standard output line by line."""
        return self.out.splitlines()


class _Stream(io.TextIOWrapper):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def taken(self) -> bytes:
        self.flush()
        held = self.buffer
        assert isinstance(held, io.BytesIO)
        return held.getvalue()


def call(*arguments: str | Path, show: Literal["pipe", "terminal"] = "pipe") -> Ran:
    """Call a command in this process; with `terminal`, its output streams claim to be terminals."""
    out, err = (_Stream(is_terminal=show == "terminal") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = invoke([str(argument) for argument in arguments])
    return Ran(code, out.taken(), err.taken().decode())


def start(*arguments: str | Path, env: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Ran:
    """Call a command in a new process."""
    command = [sys.executable, *before, "-m", "pipelines", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr.decode())
