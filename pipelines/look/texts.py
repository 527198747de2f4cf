"""Reads the texts of a conversation's outline, in batches: the first ones at once, however long the conversation is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import duckdb

from pipelines.look.conversation import Turn, Utterance, words_of
from pipelines.warehouse.given_rows import as_rows, given_rows

_FIRST: Final = 64
"""Turns of the first batch; each is four times as large as the one before: a query for many costs little more."""
_GROWTH: Final = 4
# By row number: DuckDB then reads only those parts of the column with the texts in which one of these is. Two queries,
# since it reads more of them where the numbers come from the same query.
_MESSAGE: Final = {"message_id": "VARCHAR"}
_ROW: Final = {"number": "BIGINT"}
_BLOCK: Final = {"file_id": "BIGINT", "byte_offset": "BIGINT", "block_number": "BIGINT"}
_ROWS: Final = f"SELECT t.rowid FROM message_texts t SEMI JOIN ({given_rows(_MESSAGE)}) USING (message_id)"
_TEXTS: Final = f"SELECT message_id, text FROM message_texts WHERE rowid IN ({given_rows(_ROW)})"
_INPUTS: Final = f"""
    SELECT file_id, byte_offset, block_number, input FROM content_blocks WHERE rowid IN (
        SELECT b.rowid FROM content_blocks b
        SEMI JOIN ({given_rows(_BLOCK)}) USING (file_id, byte_offset, block_number))
"""


def texts_of(connection: duckdb.DuckDBPyConnection, message_ids: Iterable[str]) -> dict[str, str]:
    """Return texts of messages by their ids."""
    ids = ((message_id,) for message_id in dict.fromkeys(message_ids))
    rows = connection.execute(_ROWS, [as_rows(_MESSAGE, ids)]).fetchall()
    return dict(connection.execute(_TEXTS, [as_rows(_ROW, rows)]).fetchall())


def with_texts(
    connection: duckdb.DuckDBPyConnection, turns: Iterable[Turn], mask: Callable[[str], str] = str
) -> Iterator[Turn]:
    """Yield the turns of an outline with their texts, inputs and results, each as `mask` returns it."""
    left, size = iter(turns), _FIRST
    while some := list(islice(left, size)):
        yield from _filled(connection, some, mask)
        size *= _GROWTH


def _filled(connection: duckdb.DuckDBPyConnection, turns: Sequence[Turn], mask: Callable[[str], str]) -> Iterator[Turn]:
    said = [turn.utterance for turn in turns]
    ids = [message_id for one in said for message_id in (one.text_id, one.result_id) if message_id]
    texts = texts_of(connection, ids) if ids else {}
    places = [place for one in said if (place := _block_of(one))]
    rows = connection.execute(_INPUTS, [as_rows(_BLOCK, places)]).fetchall() if places else []
    inputs = {(file_id, offset, block): given for file_id, offset, block, given in rows}
    for turn in turns:
        one = turn.utterance
        text = words_of(texts.get(one.text_id, "")) if one.text_id else one.text
        given = inputs.get(place) if (place := _block_of(one)) else None
        result = texts.get(one.result_id) if one.result_id else one.result
        turn.utterance = replace(
            one,
            text=mask(text),
            tool_name=mask(one.tool_name),
            tool_input=mask(given or ""),
            result=None if result is None else mask(result),
        )
        yield turn


def _block_of(one: Utterance) -> tuple[int, int, int] | None:
    """Return file, offset and block of a call's input."""
    if one.kind != "call" or one.place is None or one.block is None:
        return None
    return one.place[0], one.place[1], one.block
