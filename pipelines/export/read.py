"""Reads the rows of the documents of sessions, for many sessions with a few queries, and masks them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.resources import files
from typing import Final

import duckdb

from models.errors import ANOTHER_VERSION, LoadError
from pipelines.look.conversation import Turn, Utterance, agent_of, in_turns, merged, utterance_of
from pipelines.look.filters import Filters
from pipelines.look.sessions import one_session_query, sessions_query
from pipelines.look.texts import masked as masked_utterance
from pipelines.look.texts import texts_of, with_texts
from pipelines.redact.masking import Masker, masked
from pipelines.warehouse.opened import lacks_tables

Named = dict[str, object]
"""A row, by column name."""

_BATCH: Final = 100
_PARTS: Final = {
    "conversation": "position",
    "prompts": "prompted_at NULLS FIRST, byte_offset",
    "agents": "started_at NULLS FIRST, agent_id",
    "files": "file_path",
    "errors": "occurred_at NULLS FIRST, file_id, byte_offset",
    "tasks": "begun_at NULLS FIRST, task_id",
    "contexts": "band NULLS LAST",
    "links": "link_kind, linked_session_id",
}
"""The queries, each a file in `queries/`, and the order of their rows within a session."""


@dataclass(slots=True)
class SessionRows:
    """The rows of one session in the archive: `row` is its row of the view `sessions`, `parts` has the rows of each
    query by its name, `turns` is the conversation in order, with the prompts that only history.jsonl has. Every text is
    untrusted, and masked if a masker was given.
    """

    row: Named
    parts: dict[str, list[Named]] = field(default_factory=lambda: {name: [] for name in _PARTS})
    turns: list[Turn] = field(default_factory=list)

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return str(self.row["session_id"])


def chosen_rows(connection: duckdb.DuckDBPyConnection, which: Filters | str) -> list[Named]:
    """Return the rows of sessions, newest first: of those that match filters, or of the one with an id. Raises
    ConfigurationError for an invalid filter.
    """
    query = one_session_query(which) if isinstance(which, str) else sessions_query(which)
    return _rows(connection, query.sql, query.values)


def facts_of(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[Named], masker_of: Callable[[str], Masker | None]
) -> Iterator[SessionRows]:
    """Yield the facts of sessions, given by their rows as `chosen_rows` returns them, in the same order. `masker_of`
    returns the masker of the session with an id, or None.
    """
    for start in range(0, len(rows), _BATCH):
        yield from _batch(connection, rows[start : start + _BATCH], masker_of)


def _batch(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[Named], masker_of: Callable[[str], Masker | None]
) -> Iterator[SessionRows]:
    maskers = [masker_of(str(row["session_id"])) for row in rows]
    made = [SessionRows(row) for row in rows]
    of_id = {row["session_id"]: (row["home_id"], facts) for row, facts in zip(rows, made, strict=True)}
    # Constants, not a list as one value: only these are pushed down below the window functions of the views.
    wanted = f"session_id IN ({', '.join('?' for _ in rows)})"
    for name, order in _PARTS.items():
        query = (files("pipelines.export") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        for row in _rows(connection, f"FROM ({query}) WHERE {wanted} ORDER BY {order}", list(of_id)):
            home_id, facts = of_id[row["session_id"]]
            # A prompt may be in the history of any home; all else is of the home that has most of the session.
            if name == "prompts" or row["home_id"] == home_id:
                facts.parts[name].append(row)
    _add_texts(connection, made)
    for facts, masker in zip(made, maskers, strict=True):
        _mask(facts, masker)
        yield facts


def _add_texts(connection: duckdb.DuckDBPyConnection, made: Sequence[SessionRows]) -> None:
    """Add the conversations and the texts of errors, those of all sessions together: a query reads whole parts of the
    texts.
    """
    for facts in made:
        facts.turns = _turns(facts.parts)
    deque(with_texts(connection, (turn for facts in made for turn in facts.turns)), maxlen=0)
    errors = [row for facts in made for row in facts.parts["errors"]]
    texts = texts_of(connection, (str(row["message_id"]) for row in errors if row["message_id"] is not None))
    for row in errors:
        row["text"] = texts.get(str(row["message_id"]), row["words"])


def _turns(parts: dict[str, list[Named]]) -> list[Turn]:
    """Return the conversation in order, as yet without texts, except for prompts."""
    said = [utterance_of(row) for row in parts["conversation"]]
    prompts = [
        Utterance("prompt", "person", at if isinstance(at := row["prompted_at"], datetime) else None, words)
        for row in parts["prompts"]
        if (words := str(row["prompt_text"] or ""))
    ]
    return list(in_turns(merged(said, prompts), [agent_of(row) for row in parts["agents"]]))


def _mask(facts: SessionRows, masker: Masker | None) -> None:
    """Mask all texts of a session."""
    if masker is None:
        return
    facts.row = _masked(facts.row, masker)
    facts.parts = {name: [_masked(row, masker) for row in rows] for name, rows in facts.parts.items()}
    for turn in facts.turns:
        turn.utterance = masked_utterance(turn.utterance, masker.mask)
        if turn.agent is not None:
            agent = turn.agent
            turn.agent = replace(
                agent, agent_type=masker.mask(agent.agent_type), description=masker.mask(agent.description)
            )


def _masked(row: Named, masker: Masker) -> Named:
    return {name: masked(value, masker) for name, value in row.items()}


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]) -> list[Named]:
    try:
        found = connection.execute(query, values)
    except duckdb.Error as error:
        if lacks_tables(error):
            raise LoadError(ANOTHER_VERSION) from error
        raise
    names = [str(column[0]) for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
