"""A report before it has a form: sections of paragraphs, tables and lists, which Markdown and HTML each render."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from pipelines.report.facts import Level

Tone = Literal["good", "note", "warn", "bad", "none"]


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be shown exactly as it is: an address, a name, a command, SQL."""

    text: str


Inline = str | Code


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Pieces of one paragraph, in order."""

    pieces: Sequence[Inline]
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """A cell with a quiet sentence under it."""

    piece: Inline
    note: str


Cell = Inline | Noted


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under columns; `total` is the last row, where there is one."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """Something exact, a few words on it, and how grave it is."""

    code: Code
    note: str = ""
    tone: Tone = "none"


@dataclass(frozen=True, slots=True)
class Items:
    """A list of items."""

    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is of, its length, and the length as people read it."""

    label: str
    value: int
    shown: str
    tone: Tone = "none"


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars to be compared with one another. Only shown where they can be drawn: a table says the same."""

    caption: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a whole, drawn as one bar. Only shown where it can be drawn: a table says the same."""

    caption: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a group within a section: exact text, and what it is."""

    code: Code
    note: str


Block = Paragraph | Table | Items | Bars | Shares | Heading


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the report. `tone` is `bad` where it must not be overlooked."""

    anchor: str
    title: str
    blocks: Sequence[Block]
    tone: Tone = "none"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the overview."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "none"


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    run_id: str
    level: Level
    headline: str
    claim: str
    subtitle: str
    tiles: Sequence[Tile]
    notices: Sequence[str]
    sections: Sequence[Section]
    footer: Sequence[str] = field(default_factory=tuple)


_LONGEST_CODE: Final = 400


def shown(code: Code) -> str:
    """Return exact text as it is shown: a path of thousands of characters is cut in its middle; the JSON has it
    whole.
    """
    if len(code.text) <= _LONGEST_CODE:
        return code.text
    return f"{code.text[: _LONGEST_CODE // 2]}…{code.text[-_LONGEST_CODE // 2 :]}"


def paragraph(*pieces: Inline, is_quiet: bool = False) -> Paragraph:
    """Return a paragraph of pieces."""
    return Paragraph(pieces, is_quiet)


def number(title: str) -> Column:
    """Return the head of a column of numbers."""
    return Column(title, is_number=True)
