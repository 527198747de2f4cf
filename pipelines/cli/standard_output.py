"""Standard output whose reader may go away: `extract run | head -1` ends the run, then exits with the run's own code.

Python's standard output raises BrokenPipeError in the middle of the work, and once more when the process ends. Here
the first write after the reader has gone, and every later one, succeeds and goes nowhere; what prints rows without
end asks `reader_has_gone` between them and stops.
"""

import io
import os
import sys
from typing import IO, Final

_BUFFER: Final = 1 << 16


class _Output(io.RawIOBase):
    """The descriptor of standard output. `has_gone` is true once a write found that nobody reads it any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.has_gone = False

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # all that is written
        """Write some bytes and return how many. Raises OSError, but not because the reader has gone."""
        if self.has_gone:
            return memoryview(data).nbytes
        try:
            return os.write(self._descriptor, data)
        except BrokenPipeError:
            self.has_gone = True
            return memoryview(data).nbytes

    def writable(self) -> bool:
        """Return true: this is what it is for."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)


def let_the_reader_go() -> None:
    """Replace the process's standard output by one whose reader may go away. Does nothing where a caller has put
    another stream in its place, nor on Windows, whose console wants Python's own stream.
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
    """Whether nobody reads standard output any more: whatever prints many rows stops then."""
    raw = _raw(sys.stdout)
    return raw is not None and raw.has_gone


def discard() -> None:
    """Send all further output nowhere: after an error of writing, the stream would raise it again at the end."""
    sys.stdout = io.TextIOWrapper(open(os.devnull, "wb"), encoding="utf-8")  # noqa: SIM115 (open to the end)


def _raw(stream: IO[str] | None) -> _Output | None:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", None)
    return raw if isinstance(raw, _Output) else None
