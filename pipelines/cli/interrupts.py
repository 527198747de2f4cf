"""Records Ctrl-C, because libraries turn the KeyboardInterrupt into other errors.

DuckDB raises RuntimeError("Query interrupted"), an interrupted import may raise ImportError, click raises Abort at a
prompt. `noticed` distinguishes these from real errors.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_noticed = False


@contextmanager
def noticing_interrupts() -> Iterator[None]:
    """Within this context, record each SIGINT and raise KeyboardInterrupt. Does nothing outside the main thread, or if
    SIGINT is ignored or has a handler that is not Python's.
    """
    global _noticed
    _noticed = False
    is_ours = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not is_ours or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def noticed() -> bool:
    """Whether SIGINT was received since `noticing_interrupts` began."""
    return _noticed


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Treat Ctrl-C within this context as its normal end: for a server, which runs until then."""
    global _noticed
    try:
        yield
    except KeyboardInterrupt:
        _noticed = False


def ignore_interrupts() -> None:
    """Ignore SIGINT from now on, so that Ctrl-C cannot change the exit code: the command has ended."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _raise(number: int, frame: FrameType | None) -> None:
    global _noticed
    _noticed = True
    signal.default_int_handler(number, frame)


@contextmanager
def importing() -> Iterator[None]:
    """While a module is imported, let Ctrl-C end the process at once: no work has begun, and KeyboardInterrupt during
    the import of an extension module (such as orjson) can crash the process.
    """
    if signal.getsignal(signal.SIGINT) is not _raise:
        yield
        return
    signal.signal(signal.SIGINT, end_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _raise)


def end_at_once(number: int, frame: FrameType | None) -> None:
    """Handle SIGINT during an import: report it and exit with code 130, without cleanup."""
    sys.stderr.write("extract: interrupted\n")
    sys.stderr.flush()
    os._exit(130)  # sys.exit would unwind through half-imported modules, some of which turn it into ImportError
