"""Prints lines, tables and JSON, with control characters in data escaped: text of a transcript must not be able to
colour, link or break the output.

`pipelines.cli.terminal` has Rich's console, for output with more than bold lines: most commands need not import it.
"""

import json
import os
import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import Final, Literal, NamedTuple, TextIO

from rich.cells import cell_len, chop_cells, set_cell_size

from models.json import JsonValue
from models.text import safe, safe_json

ColumnKind = Literal["text", "exact", "number", "sentence"]

_NEVER_CUT: Final = ("exact", "number")
_GAP: Final = 2
_NARROWEST: Final = 6
"""The minimum width of a text column in cells."""
_READABLE: Final = 10
"""Text columns of a query that would be narrower than so many cells are left out."""
_LONGEST_CELL: Final = 2000
"""Only so many characters of a value are laid out, before it is cut to its column."""


def terminal_width() -> int:
    """Return the width of the terminal in cells; 80 without one."""
    return get_terminal_size((80, 24)).columns


def _print(text: str, *, is_bold: bool = False, stderr: bool = False) -> None:
    stream = sys.stderr if stderr else sys.stdout
    stream.write(f"\x1b[1m{text}\x1b[0m\n" if is_bold and _shows_styles(stream) else f"{text}\n")
    stream.flush()


def _shows_styles(stream: TextIO) -> bool:
    return stream.isatty() and os.name != "nt" and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def say(text: str = "", *, is_bold: bool = False, stderr: bool = False) -> None:
    """Print text without wrapping, so that paths can be copied. Keeps its newlines; escapes other control
    characters.
    """
    _print(safe(text, keep_newlines=True), is_bold=is_bold, stderr=stderr)


def say_wrapped(text: str, *, stderr: bool = False) -> None:
    """Print a sentence, wrapped between words at the width of the terminal."""
    for line in wrapped(safe(text), terminal_width()):
        _print(line, stderr=stderr)


def wrapped(text: str, cells: int) -> list[str]:
    """Return the lines of a sentence, each at most so many cells wide; a longer word is cut."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= cells:
            lines[-1] = joined
            continue
        lines += [word] if cell_len(word) <= cells else chop_cells(word, cells)
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def say_table(headings: Sequence["Heading"], rows: Sequence[Sequence[str]], *, total: Sequence[str] = ()) -> None:
    """Print a table no wider than the terminal (80 columns without one); longer text is cut with `…`."""
    all_rows = [*rows, total] if total else rows
    lines = lay_out(headings, all_rows, terminal_width())
    for number, line in enumerate(lines):
        is_total = bool(total) and number == len(lines) - 1
        _print(line, is_bold=number == 0 or is_total)


def say_fitting(headings: Sequence["Heading"], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows of a query as a table of as many columns, in their order, as fit the terminal, and the names of
    the columns left out.
    """
    kept, room = list[int](), terminal_width() + _GAP
    for column, least in enumerate(_least_widths(headings, rows)):
        if least + _GAP <= room or not kept:
            kept.append(column)
            room -= least + _GAP
    say_table([headings[column] for column in kept], [[row[column] for column in kept] for row in rows])
    left_out = [heading.name for column, heading in enumerate(headings) if column not in kept]
    if left_out:
        say_wrapped(
            f"{len(left_out)} of {len(headings)} columns do not fit and are left out: {', '.join(left_out)}. "
            "Select the columns you want, or use --vertical, --csv or --json."
        )


def say_columns(
    columns: Sequence[tuple["Heading", int]], rows: Sequence[Sequence[str]], *, total: Sequence[str] = ()
) -> None:
    """Print a table whose columns have priorities: on a narrow terminal, the columns with the highest numbers are left
    out until the others are readable; those with 0 never. Empty columns are left out too.
    """
    headings = [heading for heading, _ in columns]
    least = _least_widths(headings, [*rows, total] if total else rows)
    kept = [column for column in range(len(columns)) if any(row[column] for row in rows)]
    while sum(least[column] + _GAP for column in kept) - _GAP > terminal_width():
        last = max(columns[column][1] for column in kept)
        if last == 0:
            break
        kept = [column for column in kept if columns[column][1] < last]
    chosen = [[row[column] for column in kept] for row in rows]
    say_table([headings[column] for column in kept], chosen, total=[total[column] for column in kept] if total else ())


def say_blocks(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as a block of its own, a line for each column."""
    for number, row in enumerate(rows, 1):
        _print(f"row {number}", is_bold=True)
        for line in lay_out([Heading(""), Heading("")], list(zip(names, row, strict=True)), terminal_width())[1:]:
            _print(line)


def _least_widths(headings: Sequence["Heading"], rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the minimum width of each column: the full width of ids, numbers and instants, a readable part of text."""
    widths = []
    for column, heading in enumerate(headings):
        natural = max((cell_len(_shown(row[column])) for row in rows), default=0)
        least = natural if heading.kind in _NEVER_CUT else min(natural, heading.least)
        head = cell_len(_shown(heading.name))
        widths.append(max(least, head if heading.kind in _NEVER_CUT else min(head, heading.least)))
    return widths


def say_json(value: JsonValue) -> None:
    """Print one JSON document, with control characters as JSON escapes."""
    sys.stdout.write(safe_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


class Heading(NamedTuple):
    """The heading of a column and how to lay the column out: a `number` is right-aligned and never cut; an `exact`
    value (id, instant) is never cut; a `sentence`, in the last column only, is wrapped; `text` is cut.
    """

    name: str
    kind: ColumnKind = "text"
    least: int = _READABLE
    """The minimum readable width in cells: if the column would be narrower, another one is left out."""


def lay_out(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the lines of a table at most `width` cells wide; wider only if text columns would get too narrow.

    The first line has the headings. A sentence takes as many lines as it needs.
    """
    cells = [[heading.name for heading in headings], *([_shown(value) for value in row] for row in rows)]
    natural = [max(cell_len(row[column]) for row in cells) for column in range(len(headings))]
    right = [heading.kind == "number" for heading in headings]
    fixed = [heading.kind in _NEVER_CUT for heading in headings]
    widths = fit(natural, fixed, width, [heading.least for heading in headings])
    lines = []
    for row in cells:
        lines.append(_line(row, widths, right))
        if headings[-1].kind == "sentence" and cell_len(row[-1]) > widths[-1]:
            first, *others = wrap(row[-1], widths[-1]) or [""]
            lines[-1] = _line([*row[:-1], first], widths, right)
            lines += [_line([*[""] * len(row[:-1]), other], widths, right) for other in others]
    return lines


def fit(natural: Sequence[int], fixed: Sequence[bool], width: int, least: Sequence[int] = ()) -> list[int]:
    """Return the widths of columns: each gets its `least` cells if there is room for all of these; narrow columns keep
    theirs, the wide ones share the remaining space equally.
    """
    room = width - _GAP * (len(natural) - 1) - sum(cells for cells, keep in zip(natural, fixed, strict=True) if keep)
    widths = list(natural)
    left = sorted(column for column, keep in enumerate(fixed) if not keep)
    first = {column: min(natural[column], least[column]) if least else 0 for column in left}
    if sum(first.values()) > room:
        first = dict.fromkeys(left, 0)
    left.sort(key=lambda column: (natural[column] - first[column], natural[column]))
    room -= sum(first.values())
    for count, column in enumerate(left):
        share = max(_NARROWEST - first[column], room // (len(left) - count))
        widths[column] = min(natural[column], first[column] + share)
        room -= widths[column] - first[column]
    return widths


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    made = []
    for text, cells, is_right in zip(row, widths, right, strict=True):
        if cell_len(text) > cells:
            text = set_cell_size(text, cells - 1) + "…"
        padding = " " * (cells - cell_len(text))
        made.append(padding + text if is_right else text + padding)
    return (" " * _GAP).join(made).rstrip()


def _shown(value: str) -> str:
    return safe(value[:_LONGEST_CELL])
