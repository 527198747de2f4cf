"""Shows on a terminal how a run goes: a bar for each phase, with bytes, entries and the time left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from extractors.reading.registry import PHASES
from extractors.reading.task import FileResult
from models.amounts import plural
from models.amounts import size as sized
from models.run import PhaseRecord
from models.text import safe
from pipelines.cli.console import terminal
from pipelines.run.watcher import Watcher

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY: Final = 0.1
_STEPS: Final = {
    "look": "looking at what is kept",
    "manifest": "writing manifests",
    "load": "building the warehouse",
    "report": "writing the report",
}


@contextmanager
def watching(*, shown: bool) -> Iterator[Watcher]:
    """Give a watcher that draws on standard error if it is to be `shown` and that is a terminal, else a silent one."""
    if not shown or not (console := terminal(stderr=True)).is_terminal:
        yield Watcher()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
    )
    # Drawn by hand: a thread that draws would keep the workers from being forked.
    with Progress(
        *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bars:
        yield _Bars(bars)


class _Bars(Watcher):
    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._entries, self._read, self._total = 0, 0, 0
        self._drawn_at = 0.0

    def phase_begins(self, home_id: str, phase: int, files: int, size: int) -> None:
        self._entries, self._read, self._total = 0, 0, size
        self._begin(f"{safe(home_id)}: {PHASES[phase]}", size or None)

    def file_read(self, result: FileResult) -> None:
        if self._task is None:
            return
        self._entries += result.entry_count
        self._read += result.task.size
        amount = f"{sized(self._read)} of {sized(self._total)}, {plural(self._entries, 'entry', 'entries')}"
        self._bars.update(self._task, completed=self._read, amount=amount)
        if time.monotonic() - self._drawn_at > _EVERY:
            self._draw()

    def phase_ends(self, record: PhaseRecord) -> None:
        self._end()

    def step(self, name: str) -> None:
        self._begin(_STEPS.get(name, name), None)

    def _begin(self, description: str, total: int | None) -> None:
        self._end()
        self._task = self._bars.add_task(description, total=total, amount="")
        self._draw()

    def _end(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def _draw(self) -> None:
        self._bars.refresh()
        self._drawn_at = time.monotonic()
