"""The windows over the browser: help, filters, the bytes of an entry, and a line to copy."""

from dataclasses import replace
from typing import ClassVar, Final

from rich.segment import Segment
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from models.errors import ConfigurationError
from pipelines.cli.browser.rows import Rows
from pipelines.cli.browser.source import RawEntry
from pipelines.look.filters import Filters

KEYS: Final = (
    ("↑ ↓  j k", "move; PageUp, PageDown, Home and End too"),
    ("Tab", "change between sessions and conversation"),
    ("Enter", "in the list: read; in a conversation: open or close the turn"),
    ("e", "open or close all turns"),
    ("n  p", "next prompt, previous prompt"),
    ("/", "search the whole archive; Esc ends it"),
    ("f", "filter by project, dates, model and state"),
    ("r", "the entry as Claude Code wrote it, and its address"),
    ("c", "copy the line that resumes the session"),
    ("a", "copy the address of the turn, for extract show"),
    ("z", "the conversation alone"),
    ("t", "light or dark"),
    ("q", "quit"),
)
_FIELDS: Final = (
    ("project", "a part of its name, or a directory"),
    ("since", "yesterday, last week, 2026-03-01"),
    ("until", "that day included"),
    ("model", "a part of its name"),
    ("tool", "a tool that was called; * is allowed"),
    ("touched", "a file that a tool call names"),
    ("state", "present, partial, expired, named_only"),
)


class Window(ModalScreen[None]):
    """A window that Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
    ]

    def action_close(self) -> None:
        """Close the window."""
        self.dismiss()


class Help(Window):
    """The keys. Any of `?`, Esc and `q` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "close", show=False)]

    def compose(self) -> ComposeResult:
        """Yield the table of keys."""
        table = Text()
        for keys, meaning in KEYS:
            table.append(f"{keys:<10}", "bold")
            table.append(f"{meaning}\n")
        table.append("\nThe mouse works too: click, double-click, wheel, and the line below.", "dim")
        with Vertical(classes="window"):
            yield Label("Keys", classes="heading", markup=False)
            yield Static(table)


class FilterDialog(ModalScreen[Filters | None]):
    """Asks for filters; returns them, or None when Esc was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel")]

    def __init__(self, filters: Filters) -> None:
        super().__init__()
        self._filters = filters

    def compose(self) -> ComposeResult:
        """Yield an input for each filter."""
        with Vertical(classes="window"):
            yield Label("Filters (Enter applies, Esc leaves)", classes="heading", markup=False)
            with Grid(id="fields"):
                for name, hint in _FIELDS:
                    yield Label(name, markup=False)
                    yield Input(getattr(self._filters, name) or "", placeholder=hint, id=name, compact=True)
            yield Static("", id="problem", markup=False)

    def on_input_submitted(self, _: Input.Submitted) -> None:
        """Return the filters; show the error of one that is invalid."""
        given = {name: self.query_one(f"#{name}", Input).value.strip() or None for name, _hint in _FIELDS}
        filters = replace(self._filters, **given)
        try:
            filters.of_sessions()
        except ConfigurationError as error:
            self.query_one("#problem", Static).update(Text(str(error)))
            return
        self.dismiss(filters)

    def action_cancel(self) -> None:
        """Leave the filters as they are."""
        self.dismiss(None)


class _Bytes(Rows):
    """The lines of an entry, wrapped."""

    def __init__(self, held: str) -> None:
        super().__init__(id="bytes")
        self._held, self._lines = held, list[list[Segment]]()

    def row_count(self) -> int:
        """Return the number of lines."""
        return len(self._lines)

    def row_line(self, row: int, part: int, width: int) -> list[Segment]:
        """Return a line."""
        return self._lines[row]

    def on_resize(self, event: Resize) -> None:
        """Wrap again."""
        width = self.inner_width
        pieces = (line[at : at + width] for line in self._held.split("\n") for at in range(0, max(len(line), 1), width))
        self._lines = [[Segment(piece.replace("\t", " "))] for piece in pieces]
        super().on_resize(event)


class EntryWindow(Window):
    """The bytes of an entry and its address."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "close", show=False),
        Binding("a", "copy", "copy address"),
    ]

    def __init__(self, entry: RawEntry) -> None:
        super().__init__()
        self._entry = entry

    def compose(self) -> ComposeResult:
        """Yield the address and the lines."""
        with Vertical(classes="window large"):
            yield Label(f"extract show '{self._entry.address}'", classes="heading", markup=False)
            yield _Bytes(self._entry.text)
            yield Label("Esc closes, a copies the address", classes="hint", markup=False)

    def action_copy(self) -> None:
        """Copy the address."""
        self.app.copy_to_clipboard(self._entry.address)


class CopyWindow(Window):
    """A line that was copied, shown so that it can be copied by hand where the terminal does not copy."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,c,a", "close", show=False)]

    def __init__(self, heading: str, line: str) -> None:
        super().__init__()
        self._heading, self._line = heading, line

    def compose(self) -> ComposeResult:
        """Yield the line."""
        with Vertical(classes="window"):
            yield Label(self._heading, classes="heading", markup=False)
            yield Static(Text(self._line), id="copied")
            yield Label("It is in the clipboard, if the terminal allows it. Esc closes.", classes="hint", markup=False)
