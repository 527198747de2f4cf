"""The incremental law: reading a home in any number of steps gives the same rows as reading it once."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logical_checksum import logical_checksums
from tests.sampled import WHOLE
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

PROMPT = b'{"display":"do %d","pastedContents":{},"timestamp":17687245%05d,"project":"/p","sessionId":"s"}\n'
LINES = st.one_of(
    st.integers(0, 99).map(lambda number: PROMPT % (number, number)),
    st.sampled_from(
        [b"\n", b"not json\n", b'{"display":1}\n', b"\0\0\0" + PROMPT % (1, 1), PROMPT[:-1] % (3, 3) + PROMPT % (4, 4)]
    ),
)
LOG_LINES = st.sampled_from(
    [
        b"2026-01-23T16:46:29.314Z [DEBUG] [render] first\n",
        b"2026-01-23T16:46:30.314Z [ERROR] Error: it broke\n",
        b"    at f (file.js:1:2)\n",
        b"\n",
        b"[DEBUG] no time\n",
        b"plain continuation \xff\n",
    ]
)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.sampled
@settings(max_examples=30 if WHOLE else 3)
@given(
    st.lists(LINES, min_size=1, max_size=12),
    st.lists(LOG_LINES, min_size=1, max_size=12),
    st.lists(st.floats(0, 1), max_size=4),
)
def test_reading_a_home_as_it_grows_says_the_same_as_reading_it_once(
    lines: list[bytes], log_lines: list[bytes], cuts: list[float]
) -> None:
    with TemporaryDirectory() as place:
        base = Path(place)
        history, log = b"".join(lines), b"".join(log_lines)
        home = base / "home"
        for cut in [*sorted(cuts), 1.0]:
            _write(home / "history.jsonl", history[: int(len(history) * cut)])
            _write(home / "debug" / "3fd192e1-4608-4d4e-a084-ebefc26337f3.txt", log[: int(len(log) * cut)])
            extract(base / "bit by bit", home, phases=(1, 2))
        extract(base / "once", home, phases=(1, 2))
        with warehouse_of(base / "bit by bit") as grown:
            bit_by_bit = logical_checksums(grown)
        with warehouse_of(base / "once") as fresh:
            once = logical_checksums(fresh)
        assert bit_by_bit == once


def test_a_second_run_over_an_unchanged_home_reads_nothing_and_adds_no_row(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _write(home / "history.jsonl", PROMPT % (1, 1) + PROMPT % (2, 2))
    _write(home / "notes.md", b"# notes\n")
    first = extract(tmp_path / "data", home)
    second = extract(tmp_path / "data", home)
    assert sum(counts.rows for phase in first.phases for counts in phase.sources.values()) >= 3
    assert sum(counts.rows for phase in second.phases for counts in phase.sources.values()) == 0
    assert sum(counts.bytes_read for phase in second.phases for counts in phase.sources.values()) == 0


def test_reading_everything_again_adds_no_row_either(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _write(home / "history.jsonl", PROMPT % (1, 1) + PROMPT % (2, 2))
    _write(home / "notes.md", b"# notes\n")
    extract(tmp_path / "data", home)
    second = extract(tmp_path / "data", home, is_full=True)
    assert sum(counts.bytes_read for phase in second.phases for counts in phase.sources.values()) > 0
    assert sum(counts.rows for phase in second.phases for counts in phase.sources.values()) == 0


def test_a_rewritten_file_is_a_new_generation_and_the_old_rows_stay(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _write(home / "history.jsonl", PROMPT % (1, 1) + PROMPT % (2, 2))
    extract(tmp_path / "data", home)
    _write(home / "history.jsonl", PROMPT % (3, 3))
    extract(tmp_path / "data", home)
    with warehouse_of(tmp_path / "data") as connection:
        found = connection.execute(
            "SELECT f.generation, f.state, count(*) FROM prompts p JOIN files f USING (file_id) GROUP BY ALL ORDER BY 1"
        ).fetchall()
    assert found == [(1, "superseded", 2), (2, "present", 1)]


def test_a_vanished_file_stays_and_is_marked_as_expired(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _write(home / "history.jsonl", PROMPT % (1, 1))
    _write(home / "notes.md", b"# notes\n")
    extract(tmp_path / "data", home)
    os.unlink(home / "history.jsonl")
    run = extract(tmp_path / "data", home)
    with warehouse_of(tmp_path / "data") as connection:
        found = connection.execute("SELECT state, expired_run_id FROM files WHERE path = 'history.jsonl'").fetchone()
        assert connection.execute("SELECT count(*) FROM prompts").fetchone() == (1,)
    assert found == ("expired", run.run_id)


def test_a_file_that_comes_back_as_it_was_is_present_again_without_new_rows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _write(home / "history.jsonl", PROMPT % (1, 1))
    extract(tmp_path / "data", home)
    shutil.move(home / "history.jsonl", tmp_path / "aside")
    extract(tmp_path / "data", home)
    shutil.copy(tmp_path / "aside", home / "history.jsonl")
    extract(tmp_path / "data", home)
    with warehouse_of(tmp_path / "data") as connection:
        found = connection.execute(
            "SELECT generation, state, expired_run_id FROM files WHERE path = 'history.jsonl'"
        ).fetchall()
        assert connection.execute("SELECT count(*) FROM prompts").fetchone() == (1,)
    assert found == [(1, "present", None)]
