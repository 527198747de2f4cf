"""Pipes long output through the user's pager, as git does: only if standard output is a terminal."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper

from rich.console import Console

from pipelines.cli.console import is_terminal
from pipelines.cli.terminal import terminal


class _Piped(Console):
    """A console that raises BrokenPipeError when the pager quits: Rich's own exits the process with 1."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError."""
        raise BrokenPipeError


@contextmanager
def paged(*, wanted: bool = True) -> Iterator[Console]:
    """Give the console to print on. If standard output is a terminal and `wanted`, its output goes through PAGER or
    `less`.

    If the user quits the pager early, the rest of the output is dropped without an error.
    """
    command = _pager() if wanted and is_terminal() else None
    if command is None:
        yield terminal()
        return
    sys.stdout.flush()
    environment = {"LESS": "FRX", **os.environ}  # quit where it fits, colours, and leave the text on the screen
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        before = _ignore_interrupts()
        out = TextIOWrapper(process.stdin, encoding="utf-8", errors="backslashreplace", write_through=False)
        try:
            yield _Piped(
                file=out, force_terminal=True, width=terminal().width, markup=False, highlight=False, emoji=False
            )
            out.flush()
        except BrokenPipeError:
            pass
        finally:
            with suppress(BrokenPipeError):
                out.close()
            process.wait()
            if before is not None:
                signal.signal(signal.SIGINT, before)


def _pager() -> list[str] | None:
    """Return the pager's command line; None if none is installed or PAGER turns it off (empty, or `cat`)."""
    given = os.environ.get("PAGER")
    if given is not None:
        words = shlex.split(given)
        return words if words and words != ["cat"] and shutil.which(words[0]) else None
    return ["less"] if shutil.which("less") else None


def _ignore_interrupts() -> "signal._HANDLER | None":
    """Ignore SIGINT here, because Ctrl-C in a pager stops a search, not the program. Returns the previous handler."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, signal.SIG_IGN)
