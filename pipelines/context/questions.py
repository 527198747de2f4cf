"""The questions, each with its limits, and their answers as JSON objects."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from typing import Final

from models.errors import ConfigurationError
from models.json import JsonObject
from pipelines.archive.show import entry_bytes
from pipelines.context.known import KnownSessions, columns, has_content, with_first_address
from pipelines.context.rows import Named, rows_of
from pipelines.context.values import TEXT_CHARACTERS, object_of
from pipelines.context.visible import Visible, everything
from pipelines.look.conversation import (
    Turn,
    Utterance,
    agent_of,
    agents_query,
    conversation_query,
    in_turns,
    merged,
    prompts_query,
    utterance_of,
)
from pipelines.look.filters import Conditions, Filters
from pipelines.look.search import Hit, SearchQuery, search_in
from pipelines.look.sessions import COLUMNS, one_session_query, sessions_query
from pipelines.look.usage import total_query, usage_query
from pipelines.redact.masking import Masker
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.current import CurrentWarehouse

MOST: Final = 200
"""The largest page of any list."""
SHOWN_BYTES: Final = 100_000
"""The most bytes that `show` gives."""
_NAMED: Final = 10
"""The most sessions that an error names."""
_BEHIND_HIDDEN: Final = 2_000
"""The hits among which those that may be seen are looked for."""
_MARGIN: Final = 4_096
"""Bytes read beyond the end of the answer: a secret at the end is found whole, and masked."""

SemanticSearch = Callable[[SearchQuery, Callable[[str], str]], list[Hit]]
"""Returns the best hits by words and by meaning; the function is applied to whole texts, as in `look.search.search`."""
Audit = Callable[[str, str], None]
"""Records an access: the question, and its ids and names of options; never content."""


def _no_audit(question: str, about: str) -> None:
    """Record nothing."""


class UnknownSession(ConfigurationError):
    """There is no such session, or none that the asker may see."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: at most `limit` rows after the first `offset`."""

    limit: int = 50
    offset: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigurationError for an invalid page, or one that is too large."""
        if not 1 <= self.limit <= MOST or not 0 <= self.offset <= 10_000_000:
            raise ConfigurationError(f"limit is from 1 to {MOST}, offset from 0 to 10000000")

    def of(self, name: str, rows: Sequence[JsonObject]) -> JsonObject:
        """Return a page as an object; `rows` has one more than the limit if there are more."""
        following = self.offset + self.limit if len(rows) > self.limit else None
        return {name: list(rows[: self.limit]), "next_offset": following}

    def applied(self, query: Conditions) -> Conditions:
        """Return the query of this page, and of one row more."""
        return Conditions(f"FROM ({query.sql}) LIMIT {self.limit + 1:d} OFFSET {self.offset:d}", query.values)


@dataclass(frozen=True)
class Questions:
    """The questions to one archive, with answers masked to `level` (None: exact).

    Every method returns a JSON object, and raises ConfigurationError for wrong arguments, and as `CurrentWarehouse`
    does. Where `visible` returns ids, the other sessions do not exist for the client. All texts of the answers are
    untrusted: they are quoted from transcripts.
    """

    published: CurrentWarehouse
    level: PrivacyLevel | None = PrivacyLevel.PRIVATE
    semantic: SemanticSearch | None = None
    audit: Audit = _no_audit
    visible: Visible = everything
    sessions_in_memory: list[KnownSessions] = field(default_factory=list)
    _masker: list[Masker] = field(default_factory=list)

    @property
    def masker(self) -> Masker | None:
        """The masker of the answers: the same value alike in all of them, and differently in other archives."""
        if self.level is None:
            return None
        if not self._masker:
            key = b"context" + self.published.layout.archive_file.read_bytes()
            self._masker.append(Masker(self.level, sha256(key).digest()))
        return self._masker[0]

    @property
    def known(self) -> KnownSessions:
        """The rows of all sessions; callers with the same `sessions_in_memory` share them."""
        if not self.sessions_in_memory:
            self.sessions_in_memory.append(KnownSessions(self.published))
        return self.sessions_in_memory[0]

    def sessions(self, filters: Filters, page: Page = Page()) -> JsonObject:
        """Return a page of sessions, newest first, each with the address of its first file."""
        self.audit("sessions", _named(filters))
        query = page.applied(self._seen(sessions_query(filters, columns=columns())))
        return page.of("sessions", [self._session(row) for row in self._rows(with_first_address(query))])

    def session(self, which: str) -> JsonObject:
        """Return one session, by its id or the beginning of it (`last`: the newest)."""
        row = self._found(which)
        self.audit("session", str(row["session_id"]))
        return self._session(row)

    def conversation(self, which: str, page: Page = Page(), characters: int = TEXT_CHARACTERS) -> JsonObject:
        """Return a session and a page of its conversation, subagents below the calls that started them. Each text is
        cut after so many `characters`.
        """
        head = self._found(which)
        session_id, home_id = str(head["session_id"]), str(head["home_id"])
        self.audit("conversation", session_id)
        with self.published.reading() as connection:
            said = rows_of(connection, _with_addresses(conversation_query(session_id, home_id)))
            asked = rows_of(connection, _with_addresses(prompts_query(session_id)))
            agents = [agent_of(row) for row in rows_of(connection, agents_query(session_id, home_id))]
        addresses: dict[object, object] = {
            (row["file_id"], row["byte_offset"], row["byte_length"]): row["address"] for row in (*said, *asked)
        }
        utterances = merged([utterance_of(row) for row in said], [_prompt(row) for row in asked])
        turns = list(islice(in_turns(utterances, agents), page.offset, page.offset + page.limit + 1))
        shown = [self._turn(turn, addresses, characters) for turn in turns]
        return {"session": self._session(head), **page.of("conversation", shown)}

    def search(self, wanted: SearchQuery, mode: str = "text") -> JsonObject:
        """Return the best hits. `mode` is `text` (words), or `semantic` (words and meaning, fused), which raises
        ConfigurationError where the extra or the vectors are missing.
        """
        if not 1 <= wanted.limit <= MOST:
            raise ConfigurationError(f"limit is from 1 to {MOST}")
        self.audit("search", mode)
        masker = self.masker
        visible = self.visible()
        asked = wanted if visible is None else replace(wanted, limit=_BEHIND_HIDDEN)
        if mode == "text":
            # Not limited: the first search after a run extends the index, which may take longer.
            with self.published.reading(is_limited=False) as connection:
                hits = search_in(self.published.layout, connection, asked, masker.mask if masker else str)
        elif mode != "semantic":
            raise ConfigurationError(f"there is no mode {mode!r}; there are text and semantic")
        elif self.semantic is None:
            raise ConfigurationError("this server has no search by meaning")
        else:
            hits = self.semantic(asked, masker.mask if masker else str)
        if visible is not None:
            hits = [hit for hit in hits if hit.session_id in visible][: wanted.limit]
        names = ("kind", "session_id", "home_id", "project", "title", "found_at", "snippet", "address")
        return {"hits": [object_of({name: getattr(hit, name) for name in names}, names, masker) for hit in hits]}

    def usage(self, filters: Filters, by: str, page: Page = Page(MOST)) -> JsonObject:
        """Return tokens and cost by one of `look.usage.GROUPS` or `block`, and their total."""
        self._only_with_everything("usage")
        self.audit("usage", by)
        with self.published.reading() as connection:
            rows = rows_of(connection, page.applied(usage_query(filters, by)))
            (total,) = rows_of(connection, total_query(filters))
        shown = [object_of(row, list(row), self.masker) for row in rows]
        return {"by": by, **page.of("usage", shown), "total": object_of(total, list(total), self.masker)}

    def files_touched(self, filters: Filters, session: str | None, path: str | None, page: Page) -> JsonObject:
        """Return the files that tools were called on, last touched first: in a session, in those that match `filters`,
        or whose path contains `path`.
        """
        wanted = filters.of_sessions()
        if session is not None:
            wanted &= Conditions("c.session_id = ?", (self.find(session),))
        visible = self.visible()
        if visible is not None:
            wanted &= Conditions(_in_list("c.session_id"), (_listed(visible),))
        self.audit("files_touched", session or _named(filters))
        text = (files("pipelines.context") / "queries" / "files_touched.sql").read_text(encoding="utf-8")
        part = "" if path is None else "and contains(t.file_path, ?)"
        values = (*wanted.values, *(() if path is None else (path,)))
        query = Conditions(text.format(condition=wanted.sql, path_condition=part), values)
        rows = self._rows(page.applied(query))
        return page.of("files", [object_of(row, list(row), self.masker) for row in rows])

    def listed(self, view: str, page: Page, conditions: Mapping[str, str | None], order: str) -> JsonObject:
        """Return a page of the view `view` (a name of ours, as `order` and the columns of `conditions` are): the rows
        whose columns have these values, None for any.
        """
        self.audit(view, ", ".join(name for name, value in conditions.items() if value is not None))
        wanted = Conditions("true")
        for name, value in conditions.items():
            if value is not None:
                wanted &= Conditions(f"{name} = ?", (value,))
        with self.published.reading() as connection:
            names = [name for name, *_ in connection.execute(f"DESCRIBE {view}").fetchall()]
            if "session_id" not in names:
                self._only_with_everything(view)
            query = Conditions(f"SELECT * FROM {view} WHERE {wanted.sql}", wanted.values)
            query = self._seen(query, f" ORDER BY {order}")
            has_place = "byte_offset" in names
            rows = rows_of(connection, _with_addresses(page.applied(query)) if has_place else page.applied(query))
        return page.of(view, [object_of(row, list(row), self.masker) for row in rows])

    def show(self, address: str) -> JsonObject:
        """Return the archived bytes at an address as text, verified; at most 100,000 of them. Bytes that are not UTF-8
        are escaped.
        """
        self._only_with_everything("show")
        self.audit("show", address)
        raw = bytearray()
        for block in entry_bytes(self.published.layout, address):
            raw += block
            if len(raw) > SHOWN_BYTES + _MARGIN:
                break
        text = bytes(raw[: SHOWN_BYTES + _MARGIN]).decode("utf-8", "backslashreplace")
        shown = text if self.masker is None else self.masker.mask(text)
        return {"address": address, "text": shown[:SHOWN_BYTES], "is_complete": len(raw) <= SHOWN_BYTES}

    def _seen(self, query: Conditions, end: str = "") -> Conditions:
        """Return a query of rows with `session_id` without those that may not be seen, and with `end` after it."""
        visible = self.visible()
        if visible is None:
            return Conditions(f"{query.sql}{end}", query.values)
        return Conditions(f"FROM ({query.sql}) WHERE {_in_list('session_id')}{end}", (*query.values, _listed(visible)))

    def _only_with_everything(self, what: str) -> None:
        if self.visible() is not None:
            raise ConfigurationError(f"{what} covers all sessions, and this token may see only some")

    def _rows(self, query: Conditions) -> list[Named]:
        with self.published.reading() as connection:
            return rows_of(connection, query)

    def find(self, which: str) -> str:
        """Return the id of a session, by its id or the beginning of it."""
        return str(self._found(which)["session_id"])

    def _found(self, which: str) -> Named:
        """Return the row of a session, by its id or the beginning of it."""
        rows, visible = self.known.rows(), self.visible()
        seen = rows if visible is None else {name: row for name, row in rows.items() if name in visible}
        if which == "last":
            found = list(islice((name for name, row in seen.items() if has_content(row)), 1))
        elif which in seen:
            return seen[which]
        else:
            found = sorted(name for name in seen if name.startswith(which.lower()))
        if len(found) > 1:
            some = ", ".join(found[:_NAMED])
            raise ConfigurationError(f"several sessions begin with {which!r}: {some}")
        if found:
            return seen[found[0]]
        older = self._rows(with_first_address(self._seen(one_session_query(which, columns=columns()))))
        if not older:
            raise UnknownSession(f"no session begins with {which!r}")
        return older[0]

    def _session(self, row: Named) -> JsonObject:
        return object_of(row, (*COLUMNS, "address"), self.masker, 400)

    def _turn(self, turn: Turn, addresses: Mapping[object, object], characters: int) -> JsonObject:
        one = turn.utterance
        made: Named = {"kind": one.kind, "speaker": one.speaker, "at": one.said_at, "depth": turn.depth}
        if one.kind == "call":
            made |= {"tool": one.tool_name, "input": one.tool_input, "result": one.result, "is_error": one.is_error}
        else:
            made["text"] = one.text
        if one.is_abandoned:
            made["is_rewound"] = True
        if turn.agent is not None:
            made["agent"] = {"type": turn.agent.agent_type, "task": turn.agent.description}
        made["address"] = addresses.get(one.place)
        return object_of(made, list(made), self.masker, characters)


def _in_list(column: str) -> str:
    """Return the condition that a column has one of the texts of a JSON list, which is its one value."""
    return f"""{column} IN (SELECT unnest(from_json(?, '["VARCHAR"]')))"""


def _listed(ids: Iterable[str]) -> str:
    return json.dumps(sorted(ids))


def _named(filters: Filters) -> str:
    """Return which filters were given, without their values."""
    return ", ".join(name for name in Filters.__slots__ if getattr(filters, name) is not None)


def _with_addresses(query: Conditions) -> Conditions:
    return Conditions(
        f"SELECT q.*, address(q.file_id, q.byte_offset, q.byte_length) AS address FROM ({query.sql}) q", query.values
    )


def _prompt(row: Named) -> Utterance:
    return utterance_of(
        {
            **dict.fromkeys(_OF_PROMPTS),
            **row,
            "said_at": row["prompted_at"],
            "text": row["prompt_text"],
            "kind": "prompt",
            "speaker": "person",
        }
    )


_OF_PROMPTS: Final = ("tool_name", "tool_input", "result_text", "is_error", "is_abandoned", "agent_id", "model")
