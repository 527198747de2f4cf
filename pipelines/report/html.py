"""A report as one HTML file that needs nothing else: no script, no font, no picture, no request."""

from collections.abc import Iterator
from html import escape
from typing import Final

from models.text import safe
from pipelines.report.document import (
    Bar,
    Bars,
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Inline,
    Item,
    Items,
    Noted,
    Paragraph,
    Section,
    Shares,
    Table,
    Tile,
    shown,
)
from pipelines.report.style import STYLE

_SIGNS: Final = {"verified": "✓", "rejects": "✓", "incomplete": "!", "broken": "✕"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def text(of: str) -> str:
    """Return untrusted text as HTML text or attribute value: shown as it is, obeyed in nothing."""
    return escape(safe(of), quote=True)


def render(document: Document) -> str:
    """Return the report as a page."""
    title = text(f"{document.headline} · run {document.run_id}")
    links = "".join(f'<a href="#{one.anchor}">{text(one.title)}</a>' for one in document.sections)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">',
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        *_head(document),
        f'<nav aria-label="Sections">{links}</nav>',
        *(part for section in document.sections for part in _section(section)),
        "<footer>",
        *(f"<p>{text(line)}</p>" for line in document.footer),
        "</footer>\n</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _head(document: Document) -> Iterator[str]:
    yield f'<header class="level-{document.level}">'
    yield f'<p class="kicker">Verification report <code>{text(document.run_id)}</code></p>'
    yield (
        f'<h1><span class="sign" aria-hidden="true">{_SIGNS[document.level]}</span>'
        f"<span>{text(document.headline)}</span></h1>"
    )
    yield f'<p class="subtitle">{text(document.subtitle)}</p>'
    yield f'<p class="claim">{text(document.claim)}</p>'
    yield from (f'<p class="notice">{text(notice)}</p>' for notice in document.notices)
    yield "</header>"
    yield f'<dl class="tiles">{"".join(_tile(tile) for tile in document.tiles)}</dl>'


def _tile(tile: Tile) -> str:
    note = f'<dd class="quiet">{text(tile.note)}</dd>' if tile.note else ""
    return f'<div class="tile tone-{tile.tone}"><dt>{text(tile.label)}</dt><dd>{text(tile.value)}</dd>{note}</div>'


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{section.anchor}" class="tone-{section.tone}">\n<h2>{text(section.title)}</h2>'
    for block in section.blocks:
        yield from _block(block)
    yield "</section>"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(pieces=pieces, is_quiet=is_quiet):
            kind = ' class="quiet"' if is_quiet else ""
            yield f"<p{kind}>{''.join(_inline(piece) for piece in pieces)}</p>"
        case Heading(code=name, note=note):
            yield f"<h3><code>{text(shown(name))}</code></h3>\n<p>{text(note)}</p>"
        case Items(items=items):
            yield f"<ul>{''.join(_item(item) for item in items)}</ul>"
        case Table():
            yield from _table(block)
        case Bars():
            yield from _bars(block)
        case Shares():
            yield from _shares(block)


def _inline(piece: Inline) -> str:
    return f"<code>{text(shown(piece))}</code>" if isinstance(piece, Code) else text(piece)


def _item(item: Item) -> str:
    note = f'<span class="note">{text(item.note)}</span>' if item.note else ""
    return f'<li class="tone-{item.tone}"><code>{text(shown(item.code))}</code>{note}</li>'


def _table(table: Table) -> Iterator[str]:
    kinds = [' class="number"' if column.is_number else "" for column in table.columns]
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>'
    heads = zip(table.columns, kinds, strict=True)
    yield f"<thead><tr>{''.join(f'<th{kind}>{text(column.title)}</th>' for column, kind in heads)}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))}</tr>"
    yield "</tbody>"
    if table.total:
        cells = "".join(_cell(cell, kind) for cell, kind in zip(table.total, kinds, strict=True))
        yield f"<tfoot><tr>{cells}</tr></tfoot>"
    yield "</table></div>"


def _cell(cell: Cell, kind: str) -> str:
    if isinstance(cell, Noted):
        return f'<td{kind}>{_inline(cell.piece)}<span class="note">{text(cell.note)}</span></td>'
    if cell == "0" and kind:
        kind = ' class="number zero"'
    return f"<td{kind}>{_inline(cell)}</td>"


def _bars(bars: Bars) -> Iterator[str]:
    longest = max((bar.value for bar in bars.bars), default=0) or 1
    yield f'<figure><figcaption>{text(bars.caption)}</figcaption><div class="bars">'
    for bar in bars.bars:
        width = max(100 * bar.value / longest, 0.5)
        yield (
            f"<span>{text(bar.label)}</span>"
            '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect class="track" width="100" height="8"/><rect class="fill" width="{width:.2f}" height="8"/></svg>'
            f'<span class="number">{text(bar.shown)}</span>'
        )
    yield "</div></figure>"


def _shares(shares: Shares) -> Iterator[str]:
    whole = sum(bar.value for bar in shares.bars) or 1
    yield f"<figure><figcaption>{text(shares.caption)}</figcaption>"
    yield '<svg class="shares" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
    widths = [max(100 * bar.value / whole, 0.6) for bar in shares.bars]
    scale, at = 100 / sum(widths) if widths else 1, 0.0
    for bar, width in zip(shares.bars, widths, strict=True):
        drawn = width * scale
        yield f'<rect class="tone-{bar.tone}" x="{at:.2f}" width="{max(drawn - 0.3, 0.1):.2f}" height="8"/>'
        at += drawn
    yield f'</svg><p class="legend">{"".join(_legend(bar) for bar in shares.bars)}</p></figure>'


def _legend(bar: Bar) -> str:
    return f'<span class="tone-{bar.tone}">{text(bar.shown)}</span>'
