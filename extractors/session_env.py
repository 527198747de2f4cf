"""session-env/: the variables that hooks export into the shells of a session, one directory each, usually empty.

Known from 2.0.7x on: `session-env/<session>/<event>-hook-<n>.sh`. Hooks write these files themselves, through
`CLAUDE_ENV_FILE`, so a file can contain any shell code. See extractors/FORMATS.md:

    export VIRTUAL_ENV="/home/u/code/.venv"
    export PATH="$VIRTUAL_ENV/bin:$PATH"

Values are kept exactly, even if they are tokens: the tables are for the owner of the home, as is the archive.
"""

import re
from collections.abc import Iterator
from typing import Final

from extractors.reading.contract import UUID, Entry, Reading, Source, shape
from extractors.reading.shell_words import all_exports
from models.schema import BYTES, FLAG, INSTANT, INTEGER, TEXT, Column, Row, Table

_DIRECTORY_NAME = Column("directory_name", TEXT, "The directory's name below session-env/.", required=True)
_SESSION_ID = Column("session_id", TEXT, "The session: the directory's name, if it is a UUID.")
_FILE_NAME = Column("file_name", TEXT, "The file's name.", required=True)

SESSION_ENV_DIRECTORIES = Table(
    "session_env_directories",
    "One row for each directory of session-env/, empty or not.",
    (
        _SESSION_ID,
        _DIRECTORY_NAME,
        Column("directory_modified_at", INSTANT, "The directory's modification time when first read (UTC)."),
    ),
    is_rewritten=True,
)

SESSION_ENV_FILES = Table(
    "session_env_files",
    "One row for each file of a directory of session-env/.",
    (
        _SESSION_ID,
        _DIRECTORY_NAME,
        _FILE_NAME,
        Column(
            "hook_event", TEXT, "The event of the hook in the file's name: setup, sessionstart, cwdchanged, and so on."
        ),
        Column("hook_number", INTEGER, "The number of the hook in the file's name, from 0."),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("line_count", INTEGER, "Number of lines; a last line without a line feed counts too.", required=True),
        Column("export_count", INTEGER, "Exported variables that were recognised.", required=True),
        Column("content_text", TEXT, "The whole file; NULL if it is not UTF-8.", is_distinct=True),
        Column("content_bytes", BYTES, "The whole file, if it is not UTF-8."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
    ),
    is_rewritten=True,
)

SESSION_ENV_VARIABLES = Table(
    "session_env_variables",
    "One row for each exported variable that was recognised in a file of session-env/, in order of its lines.",
    (
        _SESSION_ID,
        _DIRECTORY_NAME,
        _FILE_NAME,
        Column("name", TEXT, "The variable.", required=True),
        Column("value", TEXT, "Its value without quotes, not expanded; NULL if only the name is exported."),
        Column("line_number", INTEGER, "The line of the export, from 1.", required=True),
        Column("has_expansion", FLAG, "Whether the shell would expand a part of the value.", required=True),
        Column("was_repaired", FLAG, "Whether bytes that are not UTF-8 became U+FFFD.", required=True),
    ),
    is_rewritten=True,
)

_HOOK_FILE: Final = re.compile(r"(?:(.+)-)?hook-([0-9]{1,9})\.sh", re.DOTALL)
_SESSION: Final = re.compile(UUID)


def _session_id(entry: Entry) -> str | None:
    name = entry.names["directory_name"]
    return name if _SESSION.fullmatch(name) else None


def parse_directory(entry: Entry) -> Iterator[Row]:
    """Yield the row of a directory."""
    yield SESSION_ENV_DIRECTORIES.row(
        session_id=_session_id(entry),
        directory_name=entry.names["directory_name"],
        directory_modified_at=entry.modified_at,
    )


def parse_file(entry: Entry) -> Iterator[Row]:
    """Yield the row of a file, and one for each variable that it exports."""
    data = entry.data
    content: str | None = None
    try:
        text = content = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    place = {
        "session_id": _session_id(entry),
        "directory_name": entry.names["directory_name"],
        "file_name": entry.names["file_name"],
    }
    line_number = 1
    counted = 0
    export_count = 0
    for export in all_exports(text):
        export_count += 1
        line_number += text.count("\n", counted, export.start)
        counted = export.start
        yield SESSION_ENV_VARIABLES.row(
            **place,
            name=export.name,
            value=export.value,
            line_number=line_number,
            has_expansion=export.has_expansion,
            was_repaired=content is None and "\ufffd" in (export.value or ""),
        )
    hook = _HOOK_FILE.fullmatch(entry.names["file_name"])
    yield SESSION_ENV_FILES.row(
        **place,
        hook_event=None if hook is None else hook[1],
        hook_number=None if hook is None else int(hook[2]),
        size=len(data),
        line_count=data.count(b"\n") + (data[-1:] not in (b"", b"\n")),
        export_count=export_count,
        content_text=content,
        content_bytes=data if content is None else None,
        file_modified_at=entry.modified_at,
    )


SOURCE = Source(
    "session-env",
    6,
    "Environments of sessions",
    (
        shape("session-env/{directory_name}", Reading.DIRECTORY, parse_directory),
        shape("session-env/{directory_name}/{file_name}", Reading.DOCUMENT, parse_file),
    ),
    (SESSION_ENV_DIRECTORIES, SESSION_ENV_FILES, SESSION_ENV_VARIABLES),
)
