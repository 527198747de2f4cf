"""Laws of every transcript record, for every content."""

from collections.abc import Iterator
from itertools import count

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.reading.known_fields import KnownFields
from extractors.transcripts.fields import BLOCK_TYPES, ENVELOPE, RECORD_TYPES
from models.json import JsonObject, JsonValue
from models.schema import table_of
from tests.transcripts import Parsed

SEALED = {"signature", "data"}
"""Fields of blocks of which no more than the length is kept."""
NAMES_BELOW = [
    "content",
    "type",
    "text",
    "input_tokens",
    "trackedFileBackups",
    "backupTime",
    "agentId",
    "cd /tmp",
    "source",
]
INTEGERS = st.integers() | st.sampled_from([2**63 - 1, 2**63, -(2**63) - 1, 2**64])
LEAVES = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.text(max_size=4)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(NAMES_BELOW), below, max_size=4),
    max_leaves=6,
)


def objects_of(known: KnownFields, **more: st.SearchStrategy[JsonValue]) -> st.SearchStrategy[JsonObject]:
    """Return objects with any of the known fields, and of others, that hold anything."""
    fields = {name: VALUES for name in [*known.places, "glow"] if name != "type"}
    fields |= {name: objects_of(below) | VALUES for name, below in known.objects.items()}
    return st.fixed_dictionaries({}, optional=fields | more)


def of_type(name: str, strategy: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[JsonObject]:
    """Return the objects of a strategy with `name` for their type."""

    def typed(value: JsonObject) -> JsonObject:
        return value | {"type": name}

    return strategy.map(typed)


def blocks(below: st.SearchStrategy[JsonValue]) -> st.SearchStrategy[JsonObject]:
    """Return content blocks of every known type, and of one that is not."""
    kinds = [*BLOCK_TYPES.items(), ("hologram", BLOCK_TYPES["text"])]
    return st.one_of([of_type(name, objects_of(known, content=below)) for name, known in kinds])


CONTENTS = st.lists(blocks(st.lists(blocks(VALUES), max_size=2)) | VALUES, max_size=3) | VALUES
MESSAGE = objects_of(RECORD_TYPES["user"].known.objects["message"], content=CONTENTS)
KINDS = [
    *((name, kind.known) for name, kind in RECORD_TYPES.items()),
    *((name, RECORD_TYPES[name].known) for name in ("user", "assistant") for _ in range(8)),
    ("telepathy", ENVELOPE),
]
RECORDS_OF_ANY_KIND = st.one_of([of_type(name, objects_of(known, message=MESSAGE | VALUES)) for name, known in KINDS])


@given(RECORDS_OF_ANY_KIND)
@settings(max_examples=150)
def test_any_record_with_a_type_gives_one_row_of_records_and_one_for_each_block(value: JsonObject) -> None:
    parsed = Parsed(value)
    assert parsed.record["block_count"] == len(parsed.blocks)
    assert [block["block_number"] for block in parsed.blocks] == list(range(len(parsed.blocks)))


@given(RECORDS_OF_ANY_KIND)
@settings(max_examples=150)
def test_every_cell_of_any_record_is_of_its_columns_type(value: JsonObject) -> None:
    for row in Parsed(value).rows:
        for cell, column in zip(row, table_of(row).columns, strict=True):
            pa.array([cell], column.type.arrow)
            assert cell is not None or not column.required


def _named(value: JsonValue, numbers: Iterator[int], path: str = "") -> JsonValue:
    """Replace every string by one that occurs nowhere else, except the types of blocks and sealed values."""
    if isinstance(value, dict):
        return {
            name: below if name in SEALED | {"type"} and isinstance(below, str) else _named(below, numbers, name)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [_named(below, numbers, path) for below in value]
    return f"<{next(numbers)}>" if isinstance(value, str) else value


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, below in value.items():
            if name not in SEALED | {"type"} or not isinstance(below, str):
                yield from _strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from _strings(below)
    elif isinstance(value, str):
        yield value


@given(RECORDS_OF_ANY_KIND)
@settings(max_examples=300)
def test_no_text_of_any_record_is_lost(value: JsonObject) -> None:
    named = _named(value, count())
    assert isinstance(named, dict)
    parsed = Parsed(named)
    found = repr(parsed.rows) + repr([text for _, text in parsed.said])
    assert [text for text in _strings(named) if text not in found] == []


@given(RECORDS_OF_ANY_KIND)
@settings(max_examples=50)
def test_the_same_record_gives_the_same_rows(value: JsonObject) -> None:
    assert Parsed(value).rows == Parsed(value).rows
