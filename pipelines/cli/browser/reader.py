"""The conversation on the right, drawn turn by turn while it is read."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from time import monotonic
from typing import Final

from rich.console import Console
from rich.segment import Segment
from rich.theme import Theme
from textual.message import Message

from pipelines.cli.browser.rows import Rows
from pipelines.cli.browser.source import Conversation
from pipelines.cli.transcript import Safe, turn_lines
from pipelines.look.conversation import Turn

_SLICE: Final = 0.03
"""Seconds of drawing before keys are looked at again."""
_COLOURS: Final = Theme({"markdown.code": "bold cyan"})
"""Rich's own colour of code has a black background, also on a light terminal."""
_AHEAD: Final = 400
"""Lines that are drawn below the visible ones."""


class Reader(Rows):
    """Lines of a conversation. The turn of the cursor is marked in the gutter.

    A long conversation takes seconds to draw, so it is drawn a little ahead of what is visible, and completely only on
    the way to its end.
    """

    class Moved(Message):
        """The cursor is in another turn."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._head: list[list[Segment]] = []
        self._turns: Sequence[Turn] = ()
        self._lines: list[list[Segment]] = []
        self._starts: list[int] = []
        """The first line of each turn that is drawn."""
        self._opened: set[int] = set()
        self._is_full = False
        self._wanted = -1
        """The turn to go to once it is drawn; -1: none."""
        self._drawn_width = 0
        self._shown: Conversation | None = None

    def show(self, conversation: Conversation | None, at: int | None = None) -> None:
        """Show a conversation from its turn `at` on; by default with its head."""
        self._shown = conversation
        self._turns = conversation.turns if conversation else ()
        self._opened, self._is_full = set(), False
        self._draw_again(at)

    def turn(self) -> Turn | None:
        """Return the turn of the cursor; None above the first one."""
        place = self._turn_at(self.cursor)
        return self._turns[place] if 0 <= place < len(self._turns) else None

    def row_count(self) -> int:
        """Return the number of lines drawn."""
        return len(self._lines)

    def row_line(self, row: int, part: int, width: int) -> list[Segment]:
        """Return a line."""
        return self._lines[row]

    def is_current(self, row: int) -> bool:
        """Whether a line belongs to the turn of the cursor."""
        return self._turn_at(row) == self._turn_at(self.cursor)

    def on_resize(self, _: object) -> None:
        """Draw again where the width has changed."""
        if self.inner_width != self._drawn_width:
            self._draw_again(self._turn_at(self.cursor))
        else:
            self.resized()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw further turns when the end of the drawn ones comes near."""
        super().watch_scroll_y(old_value, new_value)
        self._draw_on()

    def recolour(self) -> None:
        """Draw again in the colours of the present theme."""
        self._draw_again(self._turn_at(self.cursor))

    def opened(self) -> None:
        """Open the turn of the cursor, or close it."""
        place = self._turn_at(self.cursor)
        if 0 <= place < len(self._turns):
            self._opened ^= {place}
            self._draw_turn_again(place)

    def open_all(self) -> None:
        """Open all turns, or close them."""
        self._is_full = not self._is_full
        self._opened.clear()
        self._draw_again(self._turn_at(self.cursor))

    def go_to_prompt(self, by: int) -> None:
        """Go to the next prompt (1) or the one before (-1)."""
        place = self._turn_at(self.cursor) + by
        while 0 <= place < len(self._turns):
            if self._turns[place].utterance.kind == "prompt":
                self.go_to_turn(place)
                return
            place += by
        if by < 0:
            self.go(0)

    def go_to_turn(self, place: int) -> None:
        """Go to a turn, once it is drawn."""
        if place < len(self._starts):
            self._wanted = -1
            self.go(self._starts[place], at_top=True)
        elif self._turns:
            self._wanted = min(place, len(self._turns) - 1)
            self._draw_on()

    def action_last(self) -> None:
        """Go to the end."""
        if len(self._starts) < len(self._turns):
            self.go_to_turn(len(self._turns) - 1)
        else:
            self.go(self.row_count() - 1)

    def moved(self) -> None:
        """Tell that the cursor has moved."""
        self.post_message(self.Moved())

    def _turn_at(self, line: int) -> int:
        """Return the number of the turn that has a line; -1 for the lines above the first."""
        return bisect_right(self._starts, line) - 1

    def _draw_again(self, at: int | None) -> None:
        self._drawn_width = self.inner_width
        self._lines, self._starts = [], []
        if self._shown is not None:
            console = self._canvas()
            for text in self._shown.head:
                self._lines += Safe(text).lines(console, console.options)
            if not self._turns:
                self._lines += [[], [Segment("The archive has nothing of its conversation.")]]
        self.cursor = 0
        self._wanted = -1 if at is None else at
        self.scroll_to(y=0, animate=False, force=True)
        self._draw_on()
        self.moved()

    def _canvas(self) -> Console:
        return Console(
            file=io.StringIO(),
            width=self._drawn_width,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
            theme=_COLOURS,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def _drawing_of(self, place: int, console: Console) -> list[list[Segment]]:
        is_full = self._is_full != (place in self._opened)
        theme = "ansi_dark" if self.app.current_theme.dark else "ansi_light"
        return list(turn_lines(console, console.options, self._turns[place], is_full=is_full, code_theme=theme))

    def _draw_turn_again(self, place: int) -> None:
        start = self._starts[place]
        end = self._starts[place + 1] if place + 1 < len(self._starts) else len(self._lines)
        lines = self._drawing_of(place, self._canvas())
        self._lines[start:end] = lines
        for later in range(place + 1, len(self._starts)):
            self._starts[later] += len(lines) - (end - start)
        self.resized()
        self.go(start)

    def _draw_on(self) -> None:
        """Draw more turns, if they are near or on the way to the wanted one; go on after other events."""
        if len(self._starts) >= len(self._turns):
            self.resized()
            self._arrive()
            return
        until = monotonic() + _SLICE
        console = self._canvas()
        while len(self._starts) < len(self._turns) and self._is_needed():
            if monotonic() > until:
                self.set_timer(0.01, self._draw_on)
                break
            lines = self._drawing_of(len(self._starts), console)
            self._starts.append(len(self._lines))
            self._lines += lines
        self.resized()
        self._arrive()

    def _is_needed(self) -> bool:
        near = self.scroll_offset.y + self.size.height + _AHEAD
        return len(self._lines) < near or (self._wanted >= 0 and not self._has_wanted())

    def _has_wanted(self) -> bool:
        """Whether the wanted turn and a screen of lines from there on are drawn."""
        if not 0 <= self._wanted < len(self._starts):
            return False
        is_end = len(self._starts) == len(self._turns)
        return is_end or len(self._lines) >= self._starts[self._wanted] + self.size.height

    def _arrive(self) -> None:
        if self._has_wanted():
            wanted, self._wanted = self._wanted, -1
            self.call_after_refresh(self.go_to_turn, wanted)
