"""`extract sql` and `extract tables`: exact answers, nothing that a terminal or a spreadsheet obeys, no way out."""

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.text import safe
from pipelines.warehouse.dictionary import dictionary
from tests.command_line import HOSTILE, ROOT, SESSION, Kept, Ran, call
from tests.sampled import WHOLE

pytestmark = pytest.mark.duckdb

PROMPTS = "SELECT prompt FROM prompts ORDER BY byte_offset"
PIVOT = "PIVOT (SELECT 1 AS a, 2 AS b) ON a USING sum(b)"


def _ask(kept: Kept, sql: str, *options: str) -> Ran:
    return call("sql", sql, "--data", kept.data, *options)


def test_a_table_shows_hostile_text_so_that_nothing_in_it_is_obeyed(kept: Kept) -> None:
    halves = "SELECT left(prompt, 38) AS a FROM prompts UNION ALL SELECT substr(prompt, 39) FROM prompts"
    for ran in (_ask(kept, halves), call("sql", halves, "--data", kept.data, show="terminal")):
        assert ran.code == 0
        for printed in ("\\x1b]0;pwned", "\\u009b31m", "[/nope]", ":smile:", "\\u202eevil", "\\x0d\\x7f"):
            assert printed in ran.out
        for hostile in ("\x1b]", "\x1b[31m", "\x07", "\u202e", "\u200b", "\x9b", "\r", "\x7f"):
            assert hostile not in ran.out, repr(hostile)


def test_json_is_exact_and_written_so_that_nothing_in_it_is_obeyed(kept: Kept) -> None:
    ran = _ask(kept, PROMPTS, "--json")
    assert json.loads(ran.out) == [{"prompt": "one"}, {"prompt": HOSTILE}, {"prompt": "two"}]
    assert safe(ran.out, keep_newlines=True) == ran.out


def test_csv_is_exact_but_for_an_apostrophe_before_what_a_spreadsheet_would_obey(kept: Kept) -> None:
    ran = _ask(kept, PROMPTS, "--csv")
    rows = list(csv.reader(io.StringIO(ran.raw.decode(), newline="")))
    assert rows == [["prompt"], ["one"], ["'" + HOSTILE], ["two"]]
    shown = call("sql", PROMPTS, "--csv", "--data", kept.data, show="terminal")
    assert safe(shown.out, keep_newlines=True) == shown.out


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_every_sign_that_begins_a_formula_is_guarded_in_cells_and_heads(kept: Kept, start: str) -> None:
    text = f"{start}1+1"
    quoted = text.replace('"', '""')
    ran = _ask(kept, f"SELECT '{text}' AS \"{quoted}\", -1 AS number, '-1' AS text", "--csv")
    rows = list(csv.reader(io.StringIO(ran.raw.decode(), newline="")))
    assert rows == [[f"'{text}", "number", "text"], [f"'{text}", "-1", "'-1"]]


def test_values_of_every_kind_come_out_as_json(kept: Kept) -> None:
    ran = _ask(
        kept,
        "SELECT 9007199254740993 AS big, true AS yes, 170141183460469231731687303715884105727 AS huge, "
        "1.10 AS exact, 'NaN'::DOUBLE AS odd, NULL AS none, [{'a': 1}, {'a': NULL}] AS list, MAP {'k': 'v'} AS map, "
        "'\\xAA'::BLOB AS bytes, TIMESTAMP '2026-01-02 03:04:05.5' AS at, DATE '2026-01-02' AS day, 1 AS big",
        "--json",
    )
    (row,) = json.loads(ran.out, parse_float=str)
    assert row == {
        "big": 9007199254740993,
        "yes": True,
        "huge": 170141183460469231731687303715884105727,
        "exact": "1.10",
        "odd": "nan",
        "none": None,
        "list": [{"a": 1}, {"a": None}],
        "map": {"k": "v"},
        "bytes": "aa",
        "at": "2026-01-02T03:04:05.500000",
        "day": "2026-01-02",
        "big_2": 1,
    }


def test_an_answer_without_rows_is_still_a_document(kept: Kept) -> None:
    nothing = "SELECT 1 AS a WHERE false"
    assert json.loads(_ask(kept, nothing, "--json").out) == []
    assert _ask(kept, nothing, "--csv").out == "a\n"
    assert _ask(kept, nothing).lines == ["a", "0 rows"]


def test_a_table_is_cut_at_a_hundred_rows_and_says_so(kept: Kept) -> None:
    many = "SELECT * FROM range(250)"
    assert _ask(kept, many).lines[-1] == "100 rows, and there are more: see --limit, --csv, --json"
    assert _ask(kept, many, "--limit", "0").lines[-1] == "250 rows"
    assert len(_ask(kept, many, "--csv").lines) == 251
    assert len(json.loads(_ask(kept, many, "--json", "--limit", "7").out)) == 7


@pytest.mark.sampled
def test_no_line_of_an_answer_is_wider_than_eighty_columns(kept: Kept) -> None:
    for table in [entry.name for entry in dictionary()][:: 1 if WHOLE else 4]:
        ran = _ask(kept, f'FROM "{table}"', "--limit", "3")
        assert ran.code == 0, (table, ran.err)
        assert max(map(len, ran.lines)) <= 80, table


def test_columns_that_do_not_fit_are_named_and_ids_are_whole(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = _ask(kept, "FROM sessions").lines
    assert SESSION in narrow[1]
    assert "columns do not fit and are left out: " in " ".join(narrow)
    assert len(narrow) < 20
    monkeypatch.setenv("COLUMNS", "2000")
    assert "left out" not in _ask(kept, "FROM sessions").out


def test_rows_are_blocks_only_when_they_are_asked_for_as_blocks(kept: Kept) -> None:
    wide = "SELECT * FROM sessions, sessions AS again"
    assert "row 1" not in _ask(kept, wide).lines
    blocks = _ask(kept, wide, "--vertical").lines
    assert blocks[0] == "row 1"
    assert any(line.startswith("session_id ") and line.endswith(SESSION) for line in blocks)
    assert _ask(kept, wide, "--vertical", "--json").code == 2


def test_what_sql_cannot_do_ends_with_two_and_one_line(kept: Kept, tmp_path: Path) -> None:
    for sql, printed in (
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM prompts", "nothing"),
        ("DELETE FROM prompts", "read-only"),
        ("CREATE TABLE t AS SELECT 1", "read-only"),
        ("CREATE TEMP TABLE t AS SELECT 1; FROM t", "CREATE is not one"),
        ("CALL enable_logging(storage = 'stdout')", "CALL is not one"),
        ("SELECT 1; CALL enable_logging()", "CALL is not one"),
        ("FROM enable_logging()", "enable_logging() is not allowed: it changes"),
        ('FROM "Enable_Logging"()', "enable_logging() is not allowed: it changes"),
        ("WITH a AS (FROM checkpoint()) FROM a", "checkpoint() is not allowed: it changes"),
        ("FROM query('FROM enable_logging()')", "enable_logging() is not allowed: it changes"),
        ("SELECT write_log('x')", "write_log() is not allowed: it changes"),
        ("FROM query('FROM enable_' || 'logging()')", "query() is not allowed: it runs a text as SQL"),
        ("FROM query(E'FROM enable\\137logging()')", "query() is not allowed: it runs a text as SQL"),
        ("PIVOT query('FROM enable_' || 'logging()') ON a", "query() is not allowed: it runs a text as SQL"),
        ('FROM "Enable_Logging" /* apart */ ()', "enable_logging() is not allowed: it changes"),
        ("FROM json_execute_serialized_sql('{}')", "json_execute_serialized_sql() is not allowed"),
        (f"CREATE TEMP TABLE t AS {PIVOT}", "CREATE is not one"),
        (f"{PIVOT}; CREATE TEMP TABLE t AS {PIVOT}", "CREATE is not one"),
        (f"COPY ({PIVOT}) TO '{tmp_path / 'pivot.csv'}'", "COPY is not one"),
        (f"WITH a AS (SELECT 1) INSERT INTO prompts {PIVOT}", "INSERT is not one"),
        ("EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", "CREATE is not one"),
        (f"EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{tmp_path / 'plan.csv'}'", "COPY is not one"),
        ("EXPLAIN ANALYZE WITH a AS (SELECT 1) DELETE FROM prompts", "DELETE is not one"),
        ("SELECT 1;\u00a0COPY prompts TO 'x'", "COPY is not one"),
        ("PRAGMA enable_profiling", "PRAGMA is not one"),
        ("VACUUM", "VACUUM is not one"),
        ("FROM read_csv('/etc/passwd')", "disabled"),
        (f"COPY prompts TO '{tmp_path / 'out.csv'}'", "COPY is not one"),
        (f"ATTACH '{tmp_path / 'other.db'}'", "ATTACH is not one"),
        ("SET enable_external_access = true", "SET is not one"),
        ("INSTALL httpfs", "INSTALL is not one"),
        ("SELECT 1 + ", "syntax error"),
        ("SELECT error('\x1b[31mred')", "red"),
        ("", "no query"),
        ("-- nothing", "no query"),
    ):
        ran = _ask(kept, sql)
        assert (ran.code, ran.out) == (2, ""), sql
        assert printed in ran.err
        assert len(ran.err.splitlines()) == 1
        assert "\x1b" not in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'enable_logging() in a text' AS a",
        "SELECT 1; SELECT 2",
        "PIVOT prompts ON home_id USING count(*)",
        "/* COPY */ FROM (SELECT 1 AS a, 2 AS b)\nPIVOT (sum(b) FOR a IN (1)) -- COPY; COPY",
        f"EXPLAIN ANALYZE WITH pivoted AS ({PIVOT}) FROM pivoted",
        "EXPLAIN (FORMAT JSON) ((SELECT 'é;COPY', $$;$$))",
        "WITH RECURSIVE a(n) USING KEY (n) AS (SELECT 1), b AS NOT MATERIALIZED (FROM a) FROM b",
        "FROM query('SELECT ''one'' AS \"query\"')",
        "DESCRIBE prompts",
        "SHOW TABLES",
        "SUMMARIZE prompts",
        "EXPLAIN SELECT 1",
        "WITH a AS (VALUES (1)) TABLE a",
    ],
)
def test_every_kind_of_query_is_answered(kept: Kept, sql: str) -> None:
    ran = _ask(kept, sql)
    assert (ran.code, ran.err) == (0, "")


def test_a_value_of_python_cannot_be_reached_from_sql(kept: Kept) -> None:
    assert _ask(kept, "FROM connection").code == 2
    assert _ask(kept, "FROM answer").code == 2


def test_a_query_may_come_from_standard_input(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 7 AS seven"))
    assert _ask(kept, "-", "--csv").out == "seven\n7\n"


def test_an_interrupted_command_ends_with_130(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            signal.raise_signal(signal.SIGINT)
            return ""

    monkeypatch.setattr(sys, "stdin", Impatient())
    # A shell's background job ignores Ctrl-C, and so do the tests in it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ran = _ask(kept, "-")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "extract: interrupted; committed work stays, and the same command does the rest\n"


def test_a_reader_that_goes_away_is_no_failure_to_speak_of(kept: Kept) -> None:
    command = [sys.executable, "-m", "pipelines", "sql", "FROM range(3000000)", "--csv", "--data", str(kept.data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"range\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_without_a_warehouse_the_next_command_is_named(tmp_path: Path) -> None:
    ran = call("sql", "SELECT 1", "--data", tmp_path / "data")
    assert ran.code == 2
    assert "`extract run` makes one" in ran.err
    assert not (tmp_path / "data").exists()


def test_csv_and_json_at_once_are_refused(kept: Kept) -> None:
    assert _ask(kept, "SELECT 1", "--csv", "--json").code == 2


def test_the_dictionary_names_every_table_and_view_of_a_warehouse(kept: Kept) -> None:
    held = json.loads(
        _ask(
            kept,
            "SELECT table_name AS name, list(column_name ORDER BY column_index) AS columns FROM duckdb_columns() "
            "WHERE NOT internal GROUP BY ALL",
            "--json",
        ).out
    )
    printed = json.loads(call("tables", "--json").out)
    assert {entry["name"]: [column["name"] for column in entry["columns"]] for entry in printed} == {
        entry["name"]: entry["columns"] for entry in held
    }
    assert all(entry["comment"] for entry in printed)


def test_the_dictionary_is_readable_at_eighty_columns() -> None:
    ran = call("tables")
    assert ran.code == 0
    assert max(map(len, ran.lines)) <= 80
    assert any(line.startswith("sessions ") for line in ran.lines)
    columns = call("tables", "sessions").lines
    assert max(map(len, columns)) <= 80
    assert any(line.startswith("session_id") for line in columns)
    assert any(line.startswith("file_count") for line in call("tables", "homes").lines)
    assert call("tables", "sessions", "--markdown").out.startswith("### `sessions`")


def test_a_table_that_is_not_there_brings_the_one_that_was_meant() -> None:
    ran = call("tables", "sesions")
    assert ran.code == 2
    assert "did you mean sessions" in ran.err
