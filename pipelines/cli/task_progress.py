"""Shows on a terminal how a restore or a drill goes: a bar for each step, with bytes and the time left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from models.amounts import size as sized
from models.observer import Steps
from pipelines.cli.console import terminal

_EVERY: Final = 0.1


@contextmanager
def steps(*, shown: bool) -> Iterator[Steps]:
    """Give steps that are drawn on standard error if they are to be `shown` and it is a terminal, else silent ones."""
    console = terminal(stderr=True)
    if not (shown and console.is_terminal):
        yield Steps()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bars:
        yield _Bars(bars)


class _Bars(Steps):
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._done, self._total = 0, 0
        self._drawn_at = 0.0

    def begins(self, name: str, size: int) -> None:
        self.ends()
        self._done, self._total = 0, size
        self._task = self._bars.add_task(name, total=size or None, amount="")
        self._bars.refresh()

    def goes_on(self, size: int) -> None:
        self._done += size
        if self._task is not None and time.monotonic() - self._drawn_at > _EVERY:
            amount = f"{sized(self._done)} of {sized(self._total)}" if self._total else ""
            self._bars.update(self._task, completed=self._done, amount=amount)
            self._bars.refresh()
            self._drawn_at = time.monotonic()

    def ends(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
