"""The data of the terminal browser: lists of sessions and search hits, conversations, and the bytes of single entries.

Every text of an `ListEntry` is safe to print; the others are drawn through `Safe`.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from models.amounts import dollars
from models.text import safe
from pipelines.archive.show import entry_bytes
from pipelines.cli.conversations import head_of, resume_line, turns_of
from pipelines.cli.looking import Named, amount, rows_of, text
from pipelines.cli.shown import about_session, is_final, one_line, project_name, when
from pipelines.disk.layout import Layout
from pipelines.look.conversation import Turn
from pipelines.look.filters import Conditions, Filters
from pipelines.look.search import SearchQuery, search, search_terms
from pipelines.look.sessions import one_session_query, sessions_query
from pipelines.redact.masking import Masker

MOST_HITS: Final = 500
_LONGEST_ENTRY: Final = 200_000
"""Characters of an entry that are laid out on the screen."""
_LISTED: Final = (
    "session_id", "home_id", "project", "title", "first_prompt", "started_at", "ended_at", "state", "cost_usd",
    "unpriced_part_count", "reliable_share",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A line of the list: a session, or a hit in one. `place` is file_id, offset and length of the hit."""

    session_id: str
    home_id: str
    title: str
    about: str
    snippet: str = ""
    place: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session for reading: the lines above it, its turns, and the command line that continues it."""

    session_id: str
    head: Sequence[Text]
    turns: Sequence[Turn]
    resume: str | None


@dataclass(frozen=True, slots=True)
class RawEntry:
    """The bytes of an entry as printable text, and its address."""

    address: str
    text: str


class BrowserSource:
    """Reads the archive for the browser; with a masker, secrets are masked. Each call opens the newest warehouse, and
    raises the exceptions of `asking`. Calls of several threads wait for one another: DuckDB gives two connections of a
    process the same engine, which refuses to be configured again.
    """

    def __init__(self, layout: Layout, masker: Masker | None) -> None:
        self._layout, self._masker = layout, masker
        self._one_at_a_time = threading.Lock()

    def sessions(self, filters: Filters) -> list[ListEntry]:
        """Return the sessions that match, newest first."""
        query = sessions_query(filters, columns=_LISTED)
        with self._one_at_a_time:
            rows = rows_of(self._layout, query, self._masker)
        return [_session(row) for row in rows]

    def search(self, words: str, filters: Filters) -> tuple[list[ListEntry], list[str]]:
        """Return the best hits, one a session, and the words to highlight."""
        mask = self._masker.mask if self._masker else str
        with self._one_at_a_time:
            hits = search(self._layout, SearchQuery(words, filters, limit=MOST_HITS), mask)
        return [
            ListEntry(
                hit.session_id or "",
                hit.home_id,
                safe(one_line(mask(hit.title or "") or hit.address)),
                safe(f"{when(hit.found_at)}  {project_name(mask(hit.project or ''))}  {hit.kind}"),
                safe(one_line(hit.snippet)),
                (hit.file_id, hit.byte_offset, hit.byte_length),
            )
            for hit in hits
        ], [safe(term) for term in search_terms(words)]

    def conversation(self, session_id: str, home_id: str) -> Conversation | None:
        """Return the conversation of a session as one home has it; None where the home names no such session."""
        with self._one_at_a_time:
            rows = rows_of(self._layout, one_session_query(session_id, home_id), self._masker)
            turns = turns_of(self._layout, session_id, home_id, self._masker) if rows else []
        if not rows:
            return None
        (row,) = rows
        return Conversation(session_id, head_of(row), turns, resume_line(row))

    def entry(self, file_id: int, offset: int, length: int) -> RawEntry:
        """Return an entry's verified bytes, JSON indented. Raises also what `entry_bytes` raises."""
        query = Conditions(f"SELECT address({file_id:d}, {offset:d}, {length:d}) AS address")
        with self._one_at_a_time:
            (row,) = rows_of(self._layout, query, self._masker)
        held = b"".join(entry_bytes(self._layout, f"{file_id}@{offset}+{length}")).decode("utf-8", "backslashreplace")
        try:
            shown = json.dumps(json.loads(held), ensure_ascii=False, indent=2)
        except ValueError:
            shown = held
        if self._masker:
            shown = self._masker.mask(shown)
        if len(shown) > _LONGEST_ENTRY:
            left = len(shown) - _LONGEST_ENTRY
            shown = f"{shown[:_LONGEST_ENTRY]}\n… {left:,} more characters; `extract show` prints all"
        return RawEntry(safe(text(row["address"])), safe(shown, keep_newlines=True))


def _session(row: Named) -> ListEntry:
    cost = amount(row["cost_usd"])
    state = text(row["state"])
    parts = [
        when(row["ended_at"] or row["started_at"])[:10],
        project_name(text(row["project"])),
        dollars(cost, is_exact=is_final(row)) if cost is not None else "",
        "" if state == "present" else state.replace("_", " "),
    ]
    title = about_session(text(row["title"]), text(row["first_prompt"]))
    return ListEntry(text(row["session_id"]), text(row["home_id"]), safe(title), safe("  ".join(filter(None, parts))))
