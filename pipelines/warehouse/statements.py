"""Checks that a text of SQL holds queries alone, before the engine runs it.

DuckDB itself forbids changes of a warehouse opened for reading, access to files and other settings. This module refuses
the statements that DuckDB lets through: temporary tables, logging and checkpoints, and writes wrapped in EXPLAIN
ANALYZE or around a PIVOT, which DuckDB splits into statements without a text of their own. The check works on DuckDB's
tokens: a call is a name before a parenthesis, wherever it is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import duckdb

from models.errors import ConfigurationError

_QUERIES: Final = frozenset(
    [
        "DESC",
        "DESCRIBE",
        "EXPLAIN",
        "FROM",
        "PIVOT",
        "PIVOT_LONGER",
        "PIVOT_WIDER",
        "SELECT",
        "SHOW",
        "SUMMARIZE",
        "TABLE",
        "UNPIVOT",
        "VALUES",
        "WITH",
    ]
)
"""The words with which a query begins."""
_PARTS_OF_PIVOTS: Final = ("CREATE", "TRANSACTION", "MULTI")
"""The statements of a pivot beside its SELECT: DuckDB 1 creates a temporary type, DuckDB 2 gives one MULTI."""
_CHANGES_THE_ENGINE: Final = frozenset(
    [
        "checkpoint",
        "disable_logging",
        "disable_profiling",
        "enable_logging",
        "enable_profiling",
        "force_checkpoint",
        "truncate_duckdb_logs",
        "write_log",
    ]
)
"""Functions that a query can call and that change the engine's state; `enable_logging` to a file without write
permission aborts the whole process.
"""
_RUNS_TEXT: Final = frozenset({"json_execute_serialized_sql", "json_serialize_plan", "query"})
"""Functions that run, or bind, a text as SQL."""
_EXPLAIN_OPTIONS: Final = ("ANALYZE", "ANALYSE", "VERBOSE", "FORMAT")
_NAME: Final = re.compile(r'"((?:[^"]|"")*)"|([^\W\d][\w$]*)')
_TEXT: Final = re.compile(r"'((?:[^']|'')*)'")
_READ_ONLY: Final = "the warehouse is read-only, and CALL, PRAGMA, SET and the like would change the engine's state"


@dataclass(frozen=True, slots=True)
class _Token:
    """A token: `word` is a keyword or name in upper case or an operator, `name` the same in lower case and without
    quotes, `text` the value of a plain string literal.
    """

    word: str
    name: str | None = None
    text: str | None = None


def check_statements(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise ConfigurationError unless every statement of `sql` is a query (SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW,
    SUMMARIZE, PIVOT or EXPLAIN of one) and calls no function that changes the engine's state. Raises duckdb.Error for
    bad syntax.
    """
    found = connection.extract_statements(sql)
    tokens = list(_tokens(sql))
    for statement in _split(tokens):
        word = _first_word(statement)
        if word not in _QUERIES:
            raise ConfigurationError(f"only queries are allowed, and {word} is not one: {_READ_ONLY}")
    for one in found:
        kind = str(one.type).rpartition(".")[2]
        is_part = kind in _PARTS_OF_PIVOTS and (kind == "MULTI" or not one.query)
        if kind not in ("SELECT", "EXPLAIN") and not is_part:
            raise ConfigurationError(f"only queries are allowed, and {kind.replace('_', ' ')} is not one: {_READ_ONLY}")
    _check_calls(connection, tokens)


def _tokens(sql: str) -> Iterator[_Token]:
    raw = sql.encode()
    starts = [(offset, kind.name) for offset, kind in duckdb.tokenize(sql)]
    for (start, kind), (end, _) in pairwise([*starts, (len(raw), "")]):
        piece = raw[start:end].decode(errors="replace").strip()
        if kind == "comment" or not piece:
            continue
        if kind == "string_const":
            match = _TEXT.match(piece)
            yield _Token("'", text=match[1].replace("''", "'") if match else None)
        elif match := _NAME.match(piece):
            name = match[2] if match[1] is None else match[1].replace('""', '"')
            yield _Token(match[0].upper(), name=name.lower())
        else:
            yield _Token(piece[:1])


def _split(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    statement: list[_Token] = []
    for token in [*tokens, _Token(";")]:
        if token.word != ";":
            statement.append(token)
        elif statement:
            yield statement
            statement = []


def _first_word(statement: Sequence[_Token]) -> str:
    """Return the word that determines the kind of a statement: the first one after parentheses, EXPLAIN with its
    options, and common table expressions; the last word if there is no other.
    """
    words = [token.word for token in statement]
    at = 0
    while at < len(words) - 1:
        if words[at] == "(":
            at += 1
        elif words[at] == "EXPLAIN":
            at += 1
            while words[at : at + 1] and words[at] in _EXPLAIN_OPTIONS:
                at += 1
            if words[at : at + 1] == ["("] and words[at + 1 : at + 2] and words[at + 1] in _EXPLAIN_OPTIONS:
                at = _after_parenthesis(words, at)
        elif words[at] == "WITH":
            at = _after_expressions(words, at)
        else:
            return words[at]
    return words[min(at, len(words) - 1)]


def _after_parenthesis(words: Sequence[str], at: int) -> int:
    """Return the position after the parenthesis that matches the one at `at`."""
    depth = 0
    for position in range(at, len(words)):
        depth += {"(": 1, ")": -1}.get(words[position], 0)
        if not depth:
            return position + 1
    return len(words)


def _after_expressions(words: Sequence[str], at: int) -> int:
    """Return the position after the common table expressions of the WITH at `at`."""
    while at < len(words):
        if words[at] != "(":
            at += 1
            continue
        at = _after_parenthesis(words, at)
        if at < len(words) and words[at] not in (",", "AS", "USING"):
            return at
    return at


def _check_calls(connection: duckdb.DuckDBPyConnection, tokens: Sequence[_Token]) -> None:
    for at, (token, following) in enumerate(pairwise(tokens)):
        if following.word != "(" or token.name is None:
            continue
        if token.name in _CHANGES_THE_ENGINE:
            raise ConfigurationError(f"{token.name}() is not allowed: it changes the engine's state")
        if token.name not in _RUNS_TEXT:
            continue
        arguments = tokens[at + 2 : at + 4]
        text = arguments[0].text if [one.word for one in arguments] == ["'", ")"] else None
        if token.name != "query" or text is None:
            raise ConfigurationError(
                f"{token.name}() is not allowed: it runs a text as SQL; query() with one plain literal is"
            )
        check_statements(connection, text)
