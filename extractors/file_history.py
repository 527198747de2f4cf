"""file-history/: the bytes of files before Claude edited them, one file for each version.

It exists from 2.0.0. All that is known here is in the name, `file-history/<session>/<hash>@v<n>`: the hash is the first
16 hex digits of the SHA-256 of the edited file's absolute path. Transcripts have the path (`file-history-snapshot`).
The content can be any bytes, never changes, and is deleted with its session. See extractors/FORMATS.md.
"""

from collections.abc import Iterator

from extractors.reading.contract import UUID, Entry, Reading, Source, shape
from models.schema import BYTES, FLAG, INSTANT, INTEGER, TEXT, Column, Row, Table

FILE_VERSIONS = Table(
    "file_versions",
    "One row for each file of file-history/: the content of a file before an edit.",
    (
        Column("session_id", TEXT, "The session: the directory's name.", required=True),
        Column(
            "path_hash", TEXT, "First 16 hex digits of the SHA-256 of the edited file's absolute path.", required=True
        ),
        Column("version_number", INTEGER, "The version, from 1; some are skipped or deleted.", required=True),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("content_sha256", TEXT, "SHA-256 of the content, in hex.", required=True, is_distinct=True),
        Column("is_text", FLAG, "Whether the content is UTF-8 without NUL.", required=True),
        Column(
            "line_count",
            INTEGER,
            "Lines of a text (a last line without a line feed counts too); NULL for other content.",
        ),
        Column("content_text", TEXT, "The content, if it is text.", is_distinct=True),
        Column("content_bytes", BYTES, "The content, if it is not text."),
        Column("kept_at", INSTANT, "When the version was written: the file's modification time (UTC)."),
    ),
)


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of a version."""
    data = entry.data
    text = _text(data)
    yield FILE_VERSIONS.row(
        session_id=entry.names["session_id"],
        path_hash=entry.names["path_hash"],
        version_number=int(entry.names["version"]),
        size=len(data),
        content_sha256=entry.sha256(),
        is_text=text is not None,
        line_count=None if text is None else data.count(b"\n") + (data[-1:] not in (b"", b"\n")),
        content_text=text,
        content_bytes=data if text is None else None,
        kept_at=entry.modified_at,
    )


def _text(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


SOURCE = Source(
    "file-history",
    3,
    "File versions",
    (
        shape(
            "file-history/{session_id}/{path_hash}@v{version}",
            Reading.DOCUMENT,
            parse,
            session_id=UUID,
            path_hash="[0-9a-f]{16}",
            version="[0-9]{1,9}",
        ),
    ),
    (FILE_VERSIONS,),
)
