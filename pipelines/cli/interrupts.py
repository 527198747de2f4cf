"""Ctrl-C: noted, so that whatever a library makes of it is still known to be an interruption.

DuckDB raises RuntimeError("Query interrupted"), an import that was stopped may raise ImportError, click raises Abort at
a prompt. `noticed` tells all of these from faults.
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
    """Note each SIGINT, and raise KeyboardInterrupt for it as Python does. Only in the main thread, and not where the
    process was started with the signal ignored or something else handles it.
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
    """Whether the user pressed Ctrl-C since `noticing_interrupts` began."""
    return _noticed


def ignore_interrupts() -> None:
    """Let no further Ctrl-C change how the process ends: its work is over."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _raise(number: int, frame: FrameType | None) -> None:
    global _noticed
    _noticed = True
    signal.default_int_handler(number, frame)


@contextmanager
def importing() -> Iterator[None]:
    """Let Ctrl-C end the process on the spot while a module is imported: nothing was begun, and KeyboardInterrupt in
    the middle of an extension module's import (orjson's is one) can crash the process.
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
    """Handle SIGINT before anything was begun."""
    sys.stderr.write("extract: interrupted\n")
    sys.stderr.flush()
    os._exit(130)  # sys.exit would unwind through half-imported modules, some of which turn it into ImportError
