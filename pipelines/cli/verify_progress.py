"""Shows on a terminal how a verification goes, once it has taken a while."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from models.text import safe
from pipelines.cli.console import terminal
from pipelines.verify.context import Progress

_AFTER: Final = 1.0
_EVERY: Final = 0.1


@contextmanager
def showing(*, shown: bool) -> Iterator[Progress]:
    """Give a progress that draws on standard error if it is to be `shown` and that is a terminal, else a silent one."""
    console = terminal(stderr=True)
    if not (shown and console.is_terminal):
        yield Progress()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    bars = Bars(
        *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    made = _Shown(bars)
    try:
        yield made
    finally:
        bars.stop()


class _Shown(Progress):
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)
        self._begun_at = self._drawn_at = time.monotonic()

    def step(self, name: str, total: int | None = None) -> None:
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(safe(name), total=total)
        self._draw()

    def advance(self, amount: int) -> None:
        self._bars.advance(self._task, amount)
        if time.monotonic() - self._drawn_at > _EVERY:
            self._draw()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        if self._drawn_at - self._begun_at > _AFTER:
            self._bars.start()
            self._bars.refresh()
