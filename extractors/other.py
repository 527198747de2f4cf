"""All files that no other source matches: archived byte for byte, with one row of metadata each.

They are caches, commands, agents, skills and the user's own files, in every version. A file gets a source of its own
when its content is needed in tables. See extractors/FORMATS.md.
"""

import re
from collections.abc import Iterator
from typing import Final

from extractors.reading.contract import UUID, Entry, Reading, Source, shape
from models.schema import FLAG, INTEGER, TEXT, Column, Row, Table

OTHER_FILES = Table(
    "other_files",
    "One row for each file that is archived without being parsed.",
    (
        Column("name", TEXT, "The file's name, without its directories.", required=True),
        Column(
            "session_id",
            TEXT,
            "The session whose directory contains the file: in image-cache/, uploads/ or a project.",
        ),
        Column("extension", TEXT, "The name's part after the last dot, in lower case."),
        Column("size", INTEGER, "Its length in bytes.", required=True),
        Column("is_text", FLAG, "Whether its first 64 KiB are UTF-8 without NUL bytes.", required=True),
    ),
    is_rewritten=True,
)


_OF_SESSION: Final = re.compile(rf"(?:image-cache|uploads|projects/[^/]+)/({UUID})/(?:.*/)?", re.DOTALL)


def is_text(head: bytes) -> bool:
    """Return whether the first bytes of a file are UTF-8 without NUL bytes; a character cut off at the end is
    allowed.
    """
    if b"\0" in head:
        return False
    for cut in range(4):
        try:
            head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of an archived file."""
    name = entry.names["name"]
    extension = name.rsplit(".", 1)[1].lower() if "." in name.lstrip(".") else None
    session = _OF_SESSION.fullmatch(entry.names["directories"])
    yield OTHER_FILES.row(
        name=name,
        session_id=None if session is None else session[1],
        extension=extension,
        size=entry.size,
        is_text=is_text(entry.data),
    )


SOURCE = Source(
    "other",
    8,
    "Everything else",
    (shape("{directories*}{name}", Reading.OPAQUE, parse, directories="(?:.*/)?"),),
    (OTHER_FILES,),
)
