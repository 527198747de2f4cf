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
_MOST: Final = 4096
"""Turns of a batch at most: a query has a constant for each of their texts."""
_MESSAGE: Final = {"message_id": "VARCHAR"}
_BLOCK: Final = {"file_id": "BIGINT", "byte_offset": "BIGINT", "block_number": "BIGINT"}
_ROWS: Final = f"SELECT t.rowid FROM message_texts t SEMI JOIN ({given_rows(_MESSAGE)}) USING (message_id)"
_BLOCK_ROWS: Final = f"""
    SELECT b.rowid FROM content_blocks b
    SEMI JOIN ({given_rows(_BLOCK)}) USING (file_id, byte_offset, block_number)
"""


def texts_of(connection: duckdb.DuckDBPyConnection, message_ids: Iterable[str]) -> dict[str, str]:
    """Return texts of messages by their ids."""
    ids = ((message_id,) for message_id in dict.fromkeys(message_ids))
    numbers = connection.execute(_ROWS, [as_rows(_MESSAGE, ids)]).fetchall()
    return dict(connection.execute(_by_number("message_id, text", "message_texts", numbers)).fetchall())


def _by_number(columns: str, table: str, numbers: Iterable[tuple[int]]) -> str:
    """Return the query for the rows of a table with these row numbers.

    The numbers are constants, and there is a second condition on them: only so DuckDB reads nothing but those parts of
    the columns in which one of the rows is, a tenth of the time where the texts are long.
    """
    listed = ", ".join(str(number) for (number,) in numbers)
    return f"SELECT {columns} FROM {table} WHERE rowid IN ({listed or 'NULL'}) AND rowid >= 0"


def with_texts(
    connection: duckdb.DuckDBPyConnection, turns: Iterable[Turn], mask: Callable[[str], str] = str
) -> Iterator[Turn]:
    """Yield the turns of an outline with their texts, inputs and results, each as `mask` returns it."""
    left, size = iter(turns), _FIRST
    while some := list(islice(left, size)):
        yield from _filled(connection, some, mask)
        size = min(size * _GROWTH, _MOST)


def _filled(connection: duckdb.DuckDBPyConnection, turns: Sequence[Turn], mask: Callable[[str], str]) -> Iterator[Turn]:
    said = [turn.utterance for turn in turns]
    ids = [message_id for one in said for message_id in (one.text_id, one.result_id) if message_id]
    texts = texts_of(connection, ids) if ids else {}
    places = [place for one in said if (place := _block_of(one))]
    inputs = _inputs_of(connection, places) if places else {}
    for turn in turns:
        one = turn.utterance
        text = words_of(texts.get(one.text_id, "")) if one.text_id else one.text
        given = inputs.get(place) if (place := _block_of(one)) else None
        result = texts.get(one.result_id) if one.result_id else one.result
        turn.utterance = masked(replace(one, text=text, tool_input=given or "", result=result), mask)
        yield turn


def masked(one: Utterance, mask: Callable[[str], str]) -> Utterance:
    """Return an utterance with each text as `mask` returns it."""
    return replace(
        one,
        text=mask(one.text),
        tool_name=mask(one.tool_name),
        tool_input=mask(one.tool_input),
        result=None if one.result is None else mask(one.result),
    )


def _inputs_of(
    connection: duckdb.DuckDBPyConnection, places: Iterable[tuple[int, int, int]]
) -> dict[tuple[int, int, int], str]:
    """Return inputs of calls by file, offset and block."""
    numbers = connection.execute(_BLOCK_ROWS, [as_rows(_BLOCK, places)]).fetchall()
    columns = "file_id, byte_offset, block_number, input"
    rows = connection.execute(_by_number(columns, "content_blocks", numbers)).fetchall()
    return {(file_id, offset, block): given for file_id, offset, block, given in rows}


def _block_of(one: Utterance) -> tuple[int, int, int] | None:
    """Return file, offset and block of a call's input."""
    if one.kind != "call" or one.place is None or one.block is None:
        return None
    return one.place[0], one.place[1], one.block
