"""A report as Markdown: for a terminal, a code host, or an artifact of a run. Nothing in it is obeyed as markup but
ours.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from models.amounts import count, plural, size
from models.text import safe
from pipelines.report.document import (
    Bars,
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Inline,
    Items,
    Noted,
    Paragraph,
    Section,
    Shares,
    Table,
    shown,
)
from pipelines.report.facts import Facts

_SIGNS_ANYWHERE: Final = r"[\\`*_{}\[\]<>|~&$@^]|(?<=[A-Za-z]):(?=/)|(?<=[Ww]{3})\."
"""What Markdown obeys anywhere; a colon and a point are such signs in what it would take for a web address."""
_WITHIN: Final = re.compile(_SIGNS_ANYWHERE)
_AT_START: Final = re.compile(r"^\s*(?:#|[-+=]+(?=\s|$)|\d+(?=[.)](?:\s|$)))|^\s+|" + _SIGNS_ANYWHERE)
_PLAIN_CODE: Final = re.compile(r"[^`|]+")
_SIGNS: Final = {"verified": "✓", "rejects": "✓", "incomplete": "!", "broken": "✗"}


def escaped(text: str, *, is_start: bool = True) -> str:
    """Return text that Markdown shows as it is, in a paragraph or in a cell: each sign of markup as an entity.

    Where it does not begin a block (`is_start`), signs that count only there are left.
    """
    signs = _AT_START if is_start else _WITHIN
    return signs.sub(lambda match: "".join(f"&#{ord(sign)};" for sign in match[0]), safe(text))


def code(text: str) -> str:
    """Return exact text in a code span, or with entities where a span could not hold it in a cell."""
    text = safe(text)
    return f"`{text}`" if _PLAIN_CODE.fullmatch(text) and text.strip() == text else escaped(text)


def render(document: Document) -> str:
    """Return the report as Markdown."""
    lines = [
        f"# {_SIGNS[document.level]} {escaped(document.headline)}",
        "",
        f"Verification report of run {code(document.run_id)}, {escaped(document.subtitle)}.",
        "",
        f"> {escaped(document.claim)}",
        "",
        " · ".join(f"**{escaped(tile.value)}** {escaped(tile.label)}" for tile in document.tiles),
        "",
    ]
    for notice in document.notices:
        lines += [f"**Note:** {escaped(notice)}", ""]
    for section in document.sections:
        lines += _section(section)
    lines += ["---", "", *(f"{escaped(line)}  " for line in document.footer)]
    return "\n".join(lines).rstrip() + "\n"


def summary(facts: Facts) -> str:
    """Return a few lines on a run: headline, claim, and the figures by source."""
    total = facts.total
    lines = [
        f"## {_SIGNS[facts.verdict.level]} {escaped(facts.verdict.headline)}",
        "",
        f"> {escaped(facts.claim)}",
        "",
        "| | |",
        "| --- | ---: |",
        f"| Files read | {count(total.files_read)} of {count(total.files_found)} |",
        f"| Bytes read | {size(total.bytes_read)} |",
        f"| Entries | {count(total.entries)} |",
        f"| = with rows + rejected | {count(total.entries_with_rows)} + {count(total.rejects)} |",
        f"| Rows | {count(total.rows)} |",
        f"| New messages, seen before | {count(total.messages_new)}, {count(total.messages_duplicate)} |",
    ]
    for outcome in facts.fixity.outcomes:
        if outcome.outcome not in ("intact", "withheld", "unchecked"):
            lines.append(f"| {outcome.outcome} | {plural(outcome.files + outcome.others, 'file')} |")
    if facts.drift.items.total:
        lines.append(f"| Unknown fields and types | {count(facts.drift.items.total)} |")
    if facts.damage.total:
        lines.append(f"| Damaged files of the archive | {count(facts.damage.total)} |")
    if facts.findings.total:
        lines.append(f"| Findings of extract verify | {count(facts.findings.total)} |")
    return "\n".join([*lines, "", *(f"**Note:** {escaped(notice)}" for notice in facts.notices)]).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {'✗ ' if section.tone == 'bad' else ''}{escaped(section.title)}"
    yield ""
    for block in section.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(pieces=pieces):
            yield "".join(_inline(piece, is_start=number == 0) for number, piece in enumerate(pieces))
            yield ""
        case Heading(code=name, note=note):
            yield f"### {code(shown(name))}"
            yield ""
            yield escaped(note)
            yield ""
        case Items(items=items):
            for item in items:
                yield f"- {code(shown(item.code))}{f' — {escaped(item.note)}' if item.note else ''}"
            yield ""
        case Table():
            yield from _table(block)
            yield ""
        case Bars() | Shares():
            pass


def _table(table: Table) -> Iterator[str]:
    yield _row([escaped(column.title) for column in table.columns])
    yield _row(["---:" if column.is_number else "---" for column in table.columns])
    for row in table.rows:
        yield _row([_cell(cell) for cell in row])
    if table.total:
        yield _row([f"**{text}**" if (text := _cell(cell)) else "" for cell in table.total])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return f"{_inline(cell.piece)} — {escaped(cell.note)}" if isinstance(cell, Noted) else _inline(cell)


def _inline(piece: Inline, *, is_start: bool = True) -> str:
    return code(shown(piece)) if isinstance(piece, Code) else escaped(piece, is_start=is_start)
