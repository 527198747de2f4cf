"""Ctrl-C: noted, so that whatever a library makes of it is still known to be an interruption.

DuckDB raises RuntimeError("Query interrupted"), an import that was stopped may raise ImportError, click raises Abort at
a prompt. `noticed` tells all of these from faults.
"""

import signal
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
