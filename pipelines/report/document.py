"""The content of a report without its form: sections of paragraphs, tables and lists, rendered as Markdown and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from pipelines.report.facts import Level

Tone = Literal["good", "note", "warn", "bad", "none"]


@dataclass(eq=False, repr=False)
class Code:
    """Text to be shown exactly: an address, a name, a command. `is_whole` if it must not be shortened, such as a
    command to be copied.
    """

    text: str
    is_whole: bool = False


Inline = str | Code


@dataclass(eq=False, repr=False)
class Paragraph:
    """Pieces of one paragraph, in order."""

    kind: ClassVar = "paragraph"

    pieces: Sequence[Inline]
    is_quiet: bool = False


@dataclass(eq=False, repr=False)
class ReportColumn:
    """The head of a column."""

    title: str
    is_number: bool = False


@dataclass(eq=False, repr=False)
class Noted:
    """A cell with a quiet sentence under it."""

    piece: Inline
    note: str


Cell = Inline | Noted


@dataclass(eq=False, repr=False)
class ReportTable:
    """Rows of cells under columns; `total` is the last row, where there is one."""

    kind: ClassVar = "table"

    columns: Sequence[ReportColumn]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()


@dataclass(eq=False, repr=False)
class Item:
    """An item of a list: exact text, a note on it, and its tone."""

    code: Code
    note: str = ""
    tone: Tone = "none"


@dataclass(eq=False, repr=False)
class Items:
    """A list of items."""

    kind: ClassVar = "items"

    items: Sequence[Item]


@dataclass(eq=False, repr=False)
class Bar:
    """One bar of a chart: its label, its value, and the value formatted for people."""

    label: str
    value: int
    shown: str
    tone: Tone = "none"


@dataclass(eq=False, repr=False)
class Bars:
    """A horizontal bar chart. Shown in HTML only: a table of the report has the same figures."""

    kind: ClassVar = "bars"

    caption: str
    bars: Sequence[Bar]

    def width_of(self, bar: Bar) -> str:
        """Return the length of a bar in percent of the longest bar."""
        longest = max(bar.value for bar in self.bars) or 1
        return f"{max(100 * bar.value / longest, 0.5):.2f}"


@dataclass(eq=False, repr=False)
class ColumnChart:
    """A column chart over time. `first` and `last` are the labels below its ends."""

    kind: ClassVar = "columns"

    caption: str
    bars: Sequence[Bar]
    first: str
    last: str
    bar_width: ClassVar = 8

    @property
    def width(self) -> int:
        """The width of the drawing."""
        return 10 * len(self.bars)

    def left_of(self, place: int) -> int:
        """Return the left end of the bar with this index."""
        return 10 * place + 1

    def height_of(self, bar: Bar) -> str:
        """Return the height of a bar, in percent of the highest."""
        highest = max(bar.value for bar in self.bars) or 1
        return f"{max(100 * bar.value / highest, 1):.2f}"

    def top_of(self, bar: Bar) -> str:
        """Return the distance of a bar's upper end from the top, in percent of the highest bar."""
        return f"{100 - float(self.height_of(bar)):.2f}"


@dataclass(eq=False, repr=False)
class Shares:
    """Parts of a whole, drawn as one bar. Shown in HTML only: a table of the report has the same figures."""

    kind: ClassVar = "shares"

    caption: str
    bars: Sequence[Bar]

    def drawn(self) -> list[tuple[Bar, str, str]]:
        """Return each part with the left end and the width of its piece of the bar, in percent."""
        whole = sum(bar.value for bar in self.bars) or 1
        widths = [max(100 * bar.value / whole, 0.6) for bar in self.bars]
        scale, left, made = 100 / sum(widths), 0.0, []
        for bar, width in zip(self.bars, widths, strict=True):
            made.append((bar, f"{left:.2f}", f"{max(width * scale - 0.3, 0.1):.2f}"))
            left += width * scale
        return made


@dataclass(eq=False, repr=False)
class ReportHeading:
    """The heading of a group within a section: exact text, and a note on it."""

    kind: ClassVar = "heading"

    code: Code
    note: str


Chart = Bars | ColumnChart | Shares
Block = Paragraph | ReportTable | Items | ReportHeading | Chart


@dataclass(eq=False, repr=False)
class Point:
    """One line of the short summary at the head: a word or two, and the sentence under them."""

    label: str
    pieces: Sequence[Inline]


@dataclass(eq=False, repr=False)
class Section:
    """A titled part of the report. `tone` is `bad` where it must not be overlooked."""

    anchor: str
    title: str
    blocks: Sequence[Block]
    tone: Tone = "none"


@dataclass(eq=False, repr=False)
class Tile:
    """One figure of the overview."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "none"


@dataclass(eq=False, repr=False)
class Document:
    """A whole report: first the summary for people (`tiles`, `points`, `charts`), then the evidence (`claim`,
    `sections`).
    """

    run_id: str
    level: Level
    headline: str
    claim: str
    subtitle: str
    tiles: Sequence[Tile]
    points: Sequence[Point]
    charts: Sequence[Chart]
    notices: Sequence[str]
    sections: Sequence[Section]
    footer: Sequence[str] = field(default_factory=tuple)


_LONGEST_CODE: Final = 400


def shown(code: Code) -> str:
    """Return exact text for display: a path of thousands of characters is shortened in its middle; report.json has all
    of it.
    """
    if code.is_whole or len(code.text) <= _LONGEST_CODE:
        return code.text
    return f"{code.text[: _LONGEST_CODE // 2]}…{code.text[-_LONGEST_CODE // 2 :]}"


def paragraph(*pieces: Inline, is_quiet: bool = False) -> Paragraph:
    """Return a paragraph of pieces."""
    return Paragraph(pieces, is_quiet)


def number(title: str) -> ReportColumn:
    """Return the head of a column of numbers."""
    return ReportColumn(title, is_number=True)
