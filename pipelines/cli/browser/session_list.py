"""The list on the left: sessions, or the hits of a search."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.message import Message

from pipelines.cli.browser.rows import Rows
from pipelines.cli.browser.source import ListEntry


class SessionList(Rows):
    """Two lines for a session, three for a hit."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--current", "list--about", "list--hit"}

    class Chosen(Message):
        """The cursor is on another entry."""

        def __init__(self, entry: ListEntry) -> None:
            super().__init__()
            self.entry = entry

    class Opened(Message):
        """An entry is to be read."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.entries: Sequence[ListEntry] = ()
        self._terms: Sequence[str] = ()
        self.row_height = 2

    def show(self, entries: Sequence[ListEntry], terms: Sequence[str] = ()) -> None:
        """Show other entries, the first chosen. `terms` are highlighted in snippets."""
        self.entries, self._terms = entries, terms
        self.row_height = 3 if any(entry.snippet for entry in entries) else 2
        self.cursor = 0
        self.resized()
        self.scroll_to(y=0, animate=False, force=True)
        self.moved()

    def row_count(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def row_line(self, row: int, part: int, width: int) -> list[Segment]:
        """Return the title, the subject, or the snippet."""
        entry = self.entries[row]
        if part == 0:
            return self._cut(Text(entry.title), width)
        style = self.get_component_rich_style("list--about", partial=True)
        if part == 1:
            return self._cut(Text.assemble((entry.about, style)), width)
        if part == 2 and entry.snippet:
            snippet = Text(entry.snippet)
            hit = self.get_component_rich_style("list--hit", partial=True)
            snippet.highlight_words(self._terms, hit, case_sensitive=False)
            return self._cut(snippet, width)
        return []

    def moved(self) -> None:
        """Tell which entry is chosen."""
        if self.entries:
            self.post_message(self.Chosen(self.entries[self.cursor]))

    def opened(self) -> None:
        """Tell that the entry is to be read."""
        self.post_message(self.Opened())

    def _cut(self, text: Text, width: int) -> list[Segment]:
        text.truncate(width, overflow="ellipsis")
        return list(text.render(self.app.console))
