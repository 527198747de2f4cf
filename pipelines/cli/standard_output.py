"""Makes standard output tolerate a closed pipe: `extract run | head -1` completes the run and exits with its code.

Python's own standard output raises BrokenPipeError at a write, and again at exit. Here, writes to a closed pipe succeed
and are discarded. Code that prints many rows checks `reader_has_gone` between them and stops.
"""

import io
import os
import sys
from typing import IO, Final

_BUFFER: Final = 1 << 16


class _Output(io.RawIOBase):
    """A raw stream on a file descriptor. `has_gone` becomes true when a write fails because the pipe is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.has_gone = False

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # all that is written
        """Write some bytes and return how many; discards them if the pipe is closed. Raises OSError for other
        errors.
        """
        if self.has_gone:
            return memoryview(data).nbytes
        try:
            return os.write(self._descriptor, data)
        except BrokenPipeError:
            self.has_gone = True
            return memoryview(data).nbytes

    def writable(self) -> bool:
        """Return True, as the base class requires."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)


def let_the_reader_go() -> None:
    """Replace `sys.stdout` by a stream that tolerates a closed pipe. Does nothing if a caller has replaced `sys.stdout`
    already, or on Windows, whose console needs Python's own stream.
    """
    stream = sys.stdout
    if stream is not sys.__stdout__ or sys.platform == "win32" or _raw(stream) is not None:
        return
    if stream is None:  # the process was started without a standard output
        return
    stream.flush()
    descriptor = stream.fileno()
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(descriptor), _BUFFER),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=os.isatty(descriptor),
    )


def reader_has_gone() -> bool:
    """Whether a write found the pipe of standard output closed, so that printing more is useless."""
    raw = _raw(sys.stdout)
    return raw is not None and raw.has_gone


def discard() -> None:
    """Redirect standard output to the null device: after a failed write, the stream would raise the error again at
    exit.
    """
    sys.stdout = io.TextIOWrapper(open(os.devnull, "wb"), encoding="utf-8")  # noqa: SIM115 (open to the end)


def _raw(stream: IO[str] | None) -> _Output | None:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", None)
    return raw if isinstance(raw, _Output) else None
