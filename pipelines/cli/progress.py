"""Draws the progress of a long command on a terminal: a bar for the current step, with bytes, entries and time left."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from models.amounts import plural
from models.amounts import size as sized
from models.observer import Observer
from models.text import safe
from pipelines.cli.plain_observer import PlainObserver
from pipelines.cli.terminal import terminal

_AFTER: Final = 0.5
"""Seconds before the first bar is drawn: a bar of a shorter command would only flicker."""
_EVERY: Final = 0.1
_SHOWN_AS: Final = {
    "look": "looking at the archive",
    "manifest": "writing manifests",
    "load": "building the warehouse",
    "report": "writing the report",
    "forget": "finishing an erasure",
}
"""The text shown for a step whose name is a key of the run's record."""


@contextmanager
def showing(*, shown: bool) -> Iterator[Observer]:
    """Give an observer that draws bars on standard error if `shown` and standard error is a terminal; else a silent
    one.

    The bars are removed from the terminal at the end.
    """
    console = terminal(stderr=True)
    if not (shown and console.is_terminal):
        yield PlainObserver()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
    )
    # No refresh thread: a run can fork its reading processes only while it has a single thread.
    bars = Progress(
        *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    try:
        yield _Bars(bars)
    finally:
        bars.stop()


class _Bars(PlainObserver):
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._handled, self._entries = 0, 0
        self._size: int | None = None
        self._started_at = time.monotonic()
        self._drawn_at = 0.0

    def step_begins(self, name: str, size: int | None = None) -> None:
        self.step_ends()
        self._handled, self._entries, self._size = 0, 0, size
        self._task = self._bars.add_task(safe(_SHOWN_AS.get(name, name)), total=size or None, amount="")
        self._draw()

    def settings_changed(self, sentences: Sequence[str]) -> None:
        self._bars.stop()
        super().settings_changed(sentences)

    def advances(self, size: int, entries: int = 0) -> None:
        self._handled += size
        self._entries += entries
        if self._task is not None and time.monotonic() - self._drawn_at > _EVERY:
            self._bars.update(self._task, completed=self._handled, amount=self._amount())
            self._draw()

    def step_ends(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def _amount(self) -> str:
        handled = f"{sized(self._handled)} of {sized(self._size)}" if self._size else sized(self._handled)
        return f"{handled}, {plural(self._entries, 'entry', 'entries')}" if self._entries else handled

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        if self._drawn_at - self._started_at > _AFTER:
            self._bars.start()
            self._bars.refresh()
