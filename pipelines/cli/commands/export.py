"""`extract export`: sessions as documents."""

import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from models.amounts import plural
from models.errors import ConfigurationError
from models.text import safe
from pipelines.archive.audit import note_access
from pipelines.cli.console import say
from pipelines.cli.conversations import find
from pipelines.cli.filtering import NO_FILTERS, filtered
from pipelines.cli.looking import Level, level_of
from pipelines.cli.options import Data, layout_of
from pipelines.disk.layout import Layout
from pipelines.export import as_json, html, markdown
from pipelines.export.contents import Contents, contents_of
from pipelines.export.index import Written, write_documents
from pipelines.export.read import chosen_rows, facts_of
from pipelines.look.filters import Filters
from pipelines.redact.masking import Masker
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.opened import open_warehouse

_FOREIGN_SHOWN: Final = 3


class Form(StrEnum):
    """The forms of a document."""

    MD = "md"
    HTML = "html"
    JSON = "json"


_DOCUMENT_OF: Final[dict[Form, Callable[[Sequence[Contents]], str]]] = {
    Form.MD: markdown.document_of,
    Form.HTML: html.document_of,
    Form.JSON: as_json.document_of,
}


@filtered
def export(
    which: Annotated[
        str | None, typer.Argument(metavar="ID", help="A session: its id, the beginning of it, or: last.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="The form of the documents.")] = Form.MD,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Write a file for each session there.")] = None,
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="As --to, and keep INDEX.md there: the sessions by date."),
    ] = None,
    filters: Filters = NO_FILTERS,
    redact: Level = "private",
    data: Data = None,
) -> None:
    """Write sessions as documents: Markdown, HTML or JSON.

    Each has its objectives, work done, files, decisions, errors, the budget of tokens, next steps, and the
    conversation. Without --to and --index all chosen sessions are one document, on standard output. Secrets are masked
    unless --redact none is given. In a directory only changed files are written.
    """
    layout, level = layout_of(data), level_of(redact)
    directory = _directory(which, to, index, is_filtered=filters != NO_FILTERS)
    chosen: Filters | str = filters if which is None else find(layout, which)
    shown_level = level.name.lower() if level is not None else "none"
    if directory is None:
        contents = _one_document(layout, chosen, level)
        note_access(layout, "export", "standard output", level=shown_level, counts={"sessions": len(contents)})
        sys.stdout.write(_DOCUMENT_OF[form](contents))
        return
    try:
        written = write_documents(
            _each(layout, chosen, level),
            directory,
            form,
            lambda contents: _DOCUMENT_OF[form]([contents]),
            has_index=index is not None,
        )
    except OSError as error:
        raise ConfigurationError(f"{error.filename or directory} cannot be written: {error.strerror}") from error
    note_access(layout, "export", str(directory), level=shown_level, counts={"sessions": written.documents})
    _report(written, directory)


def _directory(which: str | None, to: Path | None, index: Path | None, *, is_filtered: bool) -> Path | None:
    if to is not None and index is not None:
        raise ConfigurationError("--to and --index: choose one")
    if which is not None and (index is not None or is_filtered):
        raise ConfigurationError("an ID is one session: leave out the ID, or --index and the filters")
    if which is None and to is None and index is None and not is_filtered:
        raise ConfigurationError(
            "name a session, filters (--project, --since …), or a directory: --to DIR, --index DIR"
        )
    return (directory := index or to) and directory.expanduser()


def _report(written: Written, directory: Path) -> None:
    say(f"{plural(written.documents, 'session')}, {plural(written.changed, 'file')} written in {directory}")
    if written.foreign:
        names = ", ".join(map(safe, written.foreign[:_FOREIGN_SHOWN]))
        more = f" and {plural(len(written.foreign) - _FOREIGN_SHOWN, 'other')}" * (
            len(written.foreign) > _FOREIGN_SHOWN
        )
        say(f"not of this index and left alone: {names}{more}", stderr=True)


def _one_document(layout: Layout, chosen: Filters | str, level: PrivacyLevel | None) -> list[Contents]:
    """Return the contents of one document of all chosen sessions: a value has the same mask in all of them."""
    with open_warehouse(layout) as connection:
        rows = chosen_rows(connection, chosen)
        if not rows:
            raise ConfigurationError("no session matches; `extract sessions` lists them")
        masker = _masker(layout, level, *(str(row["session_id"]) for row in rows))
        return [contents_of(facts) for facts in facts_of(connection, rows, lambda _: masker)]


def _each(layout: Layout, chosen: Filters | str, level: PrivacyLevel | None) -> Iterator[Contents]:
    """Yield the contents of the document of each chosen session."""
    with open_warehouse(layout) as connection:
        rows = chosen_rows(connection, chosen)
        for facts in facts_of(connection, rows, lambda session_id: _masker(layout, level, session_id)):
            yield contents_of(facts)


def _masker(layout: Layout, level: PrivacyLevel | None, *session_ids: str) -> Masker | None:
    """Return the masker of a document, or None: its key depends on the sessions and the archive, so that the document
    does not change at each call.
    """
    if level is None:
        return None
    return Masker(
        level, sha256("\0".join(session_ids).encode("utf-8", "replace") + layout.archive_file.read_bytes()).digest()
    )
