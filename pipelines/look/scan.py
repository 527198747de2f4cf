"""Searches archived texts for secrets and personal data, and reports kinds, places and numbers, never the values."""

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from pipelines.disk.layout import Layout
from pipelines.look.filters import Filters
from pipelines.redact.masking import find
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.opened import open_warehouse

_BATCH: Final = 500
_TEXTS: Final = """
    SELECT o.home_id, o.session_id, o.said_at AS found_at, o.file_id, o.byte_offset, o.byte_length, t.text
    FROM message_texts t JOIN (
        SELECT message_id, unnest(arg_min(o, {'at': said_at, 'file_id': file_id, 'byte_offset': byte_offset}))
        FROM occurrences o GROUP BY message_id
    ) o ON o.message_id = t.message_id
    UNION ALL
    SELECT home_id, session_id, recorded_at, file_id, byte_offset, byte_length, input FROM content_blocks
    WHERE input IS NOT NULL
    UNION ALL
    SELECT home_id, session_id, kept_at, file_id, byte_offset, byte_length, content_text FROM file_version_contents
    WHERE content_text IS NOT NULL
    UNION ALL
    SELECT home_id, session_id, event_at, file_id, byte_offset, byte_length, message FROM debug_events
    WHERE message IS NOT NULL
    UNION ALL
    SELECT home_id, session_id, NULL, file_id, byte_offset, byte_length, concat(name, '=', value)
    FROM session_env_variables
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A text that contains secrets of one kind, and their number. `found_at` has a time zone; `address` is that of the
    entry.
    """

    kind: str
    times: int
    home_id: str
    session_id: str | None
    project: str | None
    found_at: datetime | None
    address: str


@dataclass(slots=True)
class Scanned:
    """The result of a scan: the places, and the number of distinct values of each kind."""

    bytes_scanned: int = 0
    places: list[Place] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)


def scan(layout: Layout, filters: Filters, level: PrivacyLevel) -> Scanned:
    """Search messages, tool inputs, file versions, debug logs and the variables of session environments.

    Raises as `open_warehouse` does, and ConfigurationError for an invalid filter.
    """
    made = Scanned()
    key = secrets.token_bytes(16)  # to count distinct values by keyed digests instead of holding the values
    different: dict[str, set[bytes]] = {}
    for row in _rows(layout, filters):
        home_id, session_id, project, found_at, address, text = row
        data = str(text).encode("utf-8", "replace")
        made.bytes_scanned += len(data)
        times: dict[str, int] = {}
        for one in find(data, level):
            times[one.rule.name] = times.get(one.rule.name, 0) + 1
            digest = hmac.new(key, data[one.start : one.end], sha256).digest()
            different.setdefault(one.rule.name, set()).add(digest)
        made.places += [
            Place(kind, number, home_id, session_id, project, found_at, address) for kind, number in times.items()
        ]
    made.values = {kind: len(digests) for kind, digests in sorted(different.items())}
    return made


def _rows(layout: Layout, filters: Filters) -> Iterator[tuple[str, str | None, str | None, datetime | None, str, str]]:
    conditions = filters.of_places()
    query = f"""
        SELECT p.home_id, p.session_id, s.project, p.found_at, address(p.file_id, p.byte_offset, p.byte_length), p.text
        FROM ({_TEXTS}) p LEFT JOIN sessions s ON s.session_id = p.session_id AND s.home_id = p.home_id
        WHERE {conditions.sql}
    """
    with open_warehouse(layout) as warehouse:
        found = warehouse.execute(query, list(conditions.values))
        while rows := found.fetchmany(_BATCH):
            yield from rows
