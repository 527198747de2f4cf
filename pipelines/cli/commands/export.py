"""`extract export`: sessions as documents."""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from models.amounts import plural
from models.errors import ConfigurationError
from pipelines.cli.commands.session import find, said_in
from pipelines.cli.console import say
from pipelines.cli.looking import Named, Project, Since, Until, instant, rows_of, text
from pipelines.cli.options import Data, layout_of
from pipelines.disk.layout import Layout
from pipelines.look.conversation import agent_of, agents_query, in_turns
from pipelines.look.export import document, index_line, parts_queries
from pipelines.look.filters import Conditions, Filters
from pipelines.look.sessions import one_session_query, sessions_query
from pipelines.redact.masking import Masker
from pipelines.redact.rules import PrivacyLevel

INDEX: Final = "INDEX.md"


def export(
    which: Annotated[
        str | None, typer.Argument(metavar="ID", help="A session: its id, the beginning of it, or: last.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write a file for each session there, and INDEX.md.")
    ] = None,
    project: Project = None,
    since: Since = None,
    until: Until = None,
    redact: Annotated[
        str, typer.Option("--redact", metavar="LEVEL", help="Mask: private (secrets), team, public, or none.")
    ] = "private",
    data: Data = None,
) -> None:
    """Write sessions as Markdown documents.

    Each has its objectives, the files that were changed, errors, tokens, open tasks, and the conversation. Secrets are
    masked unless --redact none is given. Written again, only what changed is.
    """
    layout = layout_of(data)
    level = _level(redact)
    if to is None:
        if which is None:
            raise ConfigurationError("name a session, or a directory for several: --to DIR")
        sys.stdout.write(_made(layout, find(layout, which), level)[1])
        return
    if which is not None:
        ids = [find(layout, which)]
    else:
        query = sessions_query(Filters(project=project, since=since, until=until))
        ids = [text(row["session_id"]) for row in rows_of(layout, query)]
    _write_all(layout, ids, to.expanduser(), level)


def _write_all(layout: Layout, ids: list[str], directory: Path, level: PrivacyLevel | None) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    changed, lines = 0, []
    for session_id in ids:
        row, made = _made(layout, session_id, level)
        name = _name(row, session_id)
        changed += _write(directory / name, made)
        lines.append(index_line(row, name))
    if len(ids) > 1:
        _write(directory / INDEX, "# Sessions\n\n" + "\n".join(lines) + "\n")
    say(f"{plural(len(ids), 'session')}, {plural(changed, 'file')} written in {directory}")


def _name(row: Named, session_id: str) -> str:
    """Return a file's name for a session: its day and the beginning of its id, which may hold anything."""
    day = f"{at.astimezone():%Y-%m-%d}-" if (at := instant(row["started_at"])) else ""
    plain = "".join(one for one in session_id if one.isascii() and one.isalnum())[:8]
    return f"{day}{plain}-{sha256(session_id.encode('utf-8', 'replace')).hexdigest()[:6]}.md"


def _write(path: Path, made: str) -> bool:
    """Write a document unless it is there as it is; returns whether it was written."""
    data = made.encode("utf-8", "backslashreplace")
    if path.is_file() and path.read_bytes() == data:
        return False
    path.write_bytes(data)
    return True


def _made(layout: Layout, session_id: str, level: PrivacyLevel | None) -> tuple[Named, str]:
    """Return the row of a session and its document, both masked."""
    (row,) = rows_of(layout, one_session_query(session_id))
    home_id = text(row["home_id"])
    # The same values get the same masks each time, or every document would differ from the one of before.
    key = sha256(layout.archive_file.read_bytes() + session_id.encode()).digest()
    masker = None if level is None else Masker(level, key)
    (row,) = rows_of(layout, one_session_query(session_id), masker)
    agents = [agent_of(one) for one in rows_of(layout, agents_query(session_id, home_id), masker)]
    turns = list(in_turns(said_in(layout, session_id, home_id, masker), agents))
    parts = {name: rows_of(layout, query, masker) for name, query in parts_queries(session_id, home_id).items()}
    links = rows_of(
        layout,
        Conditions(
            "SELECT link_kind, linked_session_id FROM session_links WHERE session_id = ? AND home_id = ? ORDER BY 1, 2",
            (session_id, home_id),
        ),
        masker,
    )
    return row, document(row, turns, parts, links)


def _level(given: str) -> PrivacyLevel | None:
    if given == "none":
        return None
    if given.upper() not in PrivacyLevel.__members__:
        raise ConfigurationError(f"there is no level {given!r}; there are private, team, public and none")
    return PrivacyLevel[given.upper()]
