"""A scrolling widget of rows with a cursor, of which only the visible ones are drawn: a hundred thousand cost no more
than twenty.
"""

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Rows(ScrollView, can_focus=True):
    """Rows of `row_height` lines each; a subclass has their number and draws them. Keys and clicks move the cursor."""

    DEFAULT_CSS = """
    Rows { overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--current"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,b", "page(-1)", "page up", show=False),
        Binding("pagedown,space", "page(1)", "page down", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
        Binding("enter", "open", "open", show=False),
    ]
    row_height = 1

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.cursor = 0

    def row_count(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def row_line(self, row: int, part: int, width: int) -> list[Segment]:
        """Return the segments of one line of a row, of which `part` counts the lines."""
        raise NotImplementedError

    def is_current(self, row: int) -> bool:
        """Whether a row is marked in the gutter."""
        return row == self.cursor

    def moved(self) -> None:
        """React to a new place of the cursor."""

    def opened(self) -> None:
        """React to Enter or a click on the row of the cursor."""

    @property
    def inner_width(self) -> int:
        """The width of a row in cells, without the gutter."""
        return max(self.scrollable_content_region.width - 1, 10)

    def resized(self) -> None:
        """Tell the widget how large all rows are, after their number or the width has changed."""
        region = self.scrollable_content_region
        self.virtual_size = Size(region.width, self.row_count() * self.row_height)
        self.refresh()

    def on_resize(self, _: Resize) -> None:
        """Adapt to the new size."""
        self.resized()

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        row, part = divmod(y + self.scroll_offset.y, self.row_height)
        width = self.size.width
        if row >= self.row_count():
            return Strip.blank(width, self.rich_style)
        mark = self.get_component_rich_style("rows--current", partial=True)
        gutter = Segment("▌" if self.is_current(row) else " ", mark)
        strip = Strip([gutter, *self.row_line(row, part, self.inner_width)]).adjust_cell_length(width)
        style = self.rich_style
        if row == self.cursor:
            style += self.get_component_rich_style("rows--cursor", partial=True)
        return strip.apply_style(style)

    def go(self, row: int, *, at_top: bool = False) -> None:
        """Move the cursor to a row and scroll until it is visible, with `at_top` to the top."""
        before = self.cursor
        self.cursor = max(0, min(row, self.row_count() - 1))
        top, height = self.scroll_offset.y, max(self.scrollable_content_region.height, 1)
        first, last = self.cursor * self.row_height, (self.cursor + 1) * self.row_height - 1
        if at_top or first < top:
            self.scroll_to(y=first, animate=False, force=True)
        elif last >= top + height:
            self.scroll_to(y=last - height + 1, animate=False, force=True)
        self.refresh()
        if self.cursor != before:
            self.moved()

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a screen."""
        rows = max(self.scrollable_content_region.height // self.row_height - 1, 1)
        self.go(self.cursor + by * rows)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.go(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.go(self.row_count() - 1)

    def action_open(self) -> None:
        """Open the row of the cursor."""
        self.opened()

    def on_click(self, event: Click) -> None:
        """Move the cursor to the row that was clicked; a second click opens it."""
        place = event.get_content_offset(self)
        if place is None:
            return
        row = (place.y + self.scroll_offset.y) // self.row_height
        if row < self.row_count():
            self.go(row)
            if event.chain > 1:
                self.opened()
