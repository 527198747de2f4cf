"""The law of the updated warehouse: after any runs, every table has the same rows as in a warehouse built from all."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from models.errors import LoadError
from models.run import PartRecord, RunRecord
from pipelines.archive.archive import commit, next_epoch, read_all_runs, read_runs
from pipelines.disk.layout import Layout
from pipelines.warehouse import load
from pipelines.warehouse.engine import quoted
from pipelines.warehouse.load import build_warehouse, extend_warehouse
from pipelines.warehouse.publish import check_warehouse
from pipelines.warehouse.schema import warehouse_tables
from tests.archives import Archive
from tests.sampled import WHOLE
from tests.support import ALL_PHASES, FIXTURES, extract

SESSION = "0a1b2c3d-1111-4222-8333-444455556666"
OTHER = "0a1b2c3d-9999-4222-8333-444455556666"
TYPICAL = {
    path.relative_to(FIXTURES / "typical").as_posix(): path.read_bytes()
    for path in sorted((FIXTURES / "typical").rglob("*"))
    if path.is_file() and not path.is_symlink()
}
SPILLED = f"projects/-home-mira-work/{SESSION}/tool-results/toolu_01Explore.txt"
TYPICAL[SPILLED] = b"what a call came to, too long for its transcript\n"
TRANSCRIPTS = [path for path in TYPICAL if path.endswith(".jsonl")]
HOMES = ("one", "two")


def _start(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def _unended(data: bytes, share: float) -> bytes:
    """Return bytes that end with a line without line end: its rows count until the file grows."""
    return _start(data, share).rpartition(b"\n")[0]


def _ended_otherwise(data: bytes, share: float) -> bytes:
    """Return the same with something after that line which takes its sense away."""
    return _unended(data, share) + b" and more\n"


def _turned(data: bytes, share: float) -> bytes:
    """Return the lines in another order: nothing of it is where it was."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[int(len(lines) * share) :] + lines[: int(len(lines) * share)])


def _other_session(data: bytes, share: float) -> bytes:
    """Return lines of which the last part names another session: groups of records then span two."""
    cut = int(len(data) * share)
    return data[:cut] + data[cut:].replace(SESSION.encode(), OTHER.encode())


CONTENTS: tuple[Callable[[bytes, float], bytes | None], ...] = (
    _start,
    _unended,
    _ended_otherwise,
    _turned,
    _other_session,
    lambda *_: None,
)
EDITS = st.tuples(
    st.sampled_from(HOMES),
    st.one_of(st.sampled_from(TRANSCRIPTS), st.sampled_from(sorted(TYPICAL))),
    st.sampled_from(("", OTHER)),
    st.sampled_from(CONTENTS),
    st.one_of(st.sampled_from((0.0, 0.5, 1.0)), st.floats(0, 1)),
)
PHASES = st.one_of(st.just(ALL_PHASES), st.sets(st.sampled_from(ALL_PHASES), min_size=1).map(sorted))
HAPPENING = st.sampled_from(("a run",) * 6 + ("a full run", "a void reading", "a rollback"))
HISTORY = st.lists(st.tuples(st.lists(EDITS, max_size=8), PHASES, HAPPENING), min_size=2, max_size=5)

Edit = tuple[str, str, str, Callable[[bytes, float], bytes | None], float]


def _edit(base: Path, edit: Edit) -> None:
    home, name, other, content, share = edit
    data = content(TYPICAL[name], share)
    path = base / home / (name.replace(SESSION, other) if other else name)
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _let_happen(base: Path, layout: Layout, phases: Sequence[int], what: str) -> None:
    run = extract(layout.root, *(base / name for name in HOMES), phases=phases, is_full=what == "a full run")
    archive = Archive(base / HOMES[0], layout)
    if what == "a void reading" and any(part.rows for part in _parts(run, "extractions")):
        archive.rewrite("extractions", lambda rows: rows[0].update(is_void=True), -1)
    if what == "a rollback":
        runs = read_all_runs(layout)
        back = RunRecord(
            f"{runs[-1].run_id}-back", next_epoch(runs), "complete", run.started_at, None, run.tool_version, False, {}
        )
        back.kind, back.back_to = "rollback", runs[len(runs) // 2].run_id
        layout.run(back.run_id).mkdir()
        commit(layout, back)


def _parts(run: RunRecord, table: str) -> list[PartRecord]:
    return [part for phase in run.phases for part in phase.parts if part.table == table and part.rows]


def _bring_up(layout: Layout, target: Path) -> bool:
    """Bring a warehouse up to date, or make it anew where that cannot be; returns whether it could be."""
    runs = read_runs(layout)
    if target.exists() and extend_warehouse(layout, runs, target):
        try:
            check_warehouse(target, runs)
        except LoadError:
            pass
        else:
            return True
    target.unlink(missing_ok=True)
    build_warehouse(layout, runs, target)
    return False


def _differences(first: Path, second: Path) -> list[str]:
    """Return each table of which two warehouses do not hold the same rows, with one that only one of them has."""
    found = []
    with duckdb.connect(config={"threads": "1"}) as connection:
        for name, path in (("first", first), ("second", second)):
            connection.execute(f"ATTACH {quoted(str(path))} AS {name} (READ_ONLY)")
        for table in warehouse_tables():
            one, other = (_rows(connection, f'{name}."{table.name}"') for name in ("first", "second"))
            for name, only in (("first", one - other), ("second", other - one)):
                found += [f"only the {name} has in {table.name}: {row}" for row in list(only)[:1]]
    return found


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Counter[str]:
    """Return how often each row is in a table. Counted here: EXCEPT ALL takes many times as long for a few rows."""
    return Counter(map(repr, connection.execute(f"FROM {table}").fetchall()))


GROWING = [(home, name, "", _start, 0.6) for home in HOMES for name in TYPICAL]
GROWN = [(home, name, "", _start, 1.0) for home in HOMES for name in TYPICAL]
CHANGED: list[Edit] = [
    *((HOMES[0], name, "", _turned, 0.5) for name in TRANSCRIPTS[::2]),
    *((HOMES[1], name, OTHER, _start, 1.0) for name in TRANSCRIPTS),
    *((HOMES[1], name, "", _other_session, 0.5) for name in TRANSCRIPTS),
    *((HOMES[0], name, "", lambda *_: None, 0.0) for name in sorted(TYPICAL)[::3]),
]


ALL_THAT_HAPPENS: Sequence[tuple[Sequence[Edit], Sequence[int], str]] = [
    (GROWING, ALL_PHASES, "a run"),
    (GROWN, ALL_PHASES, "a run"),
    (CHANGED, ALL_PHASES, "a void reading"),
    (GROWN[::2], [3, 7], "a run"),
    (GROWING[1::2], ALL_PHASES, "a rollback"),
    (GROWN, ALL_PHASES, "a run"),
]


@pytest.mark.duckdb
@settings(max_examples=int(os.environ.get("SOAK_RENEWALS", "1")))
@given(HISTORY)
@example(
    [
        ([(HOMES[0], name, "", _unended, 1.0) for name in TRANSCRIPTS], ALL_PHASES, "a run"),
        ([(HOMES[0], name, "", _ended_otherwise, 1.0) for name in TRANSCRIPTS], ALL_PHASES, "a run"),
        ([(HOMES[0], SPILLED, "", _start, 1.0)], ALL_PHASES, "a run"),
    ]
)
@example(ALL_THAT_HAPPENS)
def test_a_warehouse_brought_up_to_date_holds_what_one_made_anew_holds(
    history: list[tuple[list[Edit], list[int], str]],
) -> None:
    with TemporaryDirectory() as place:
        base = Path(place)
        layout, target, anew = Layout(base / "data"), base / "held.duckdb", base / "anew.duckdb"
        for home in HOMES:
            (base / home).mkdir()
        for number, (edits, phases, what) in enumerate(history):
            for edit in edits:
                _edit(base, edit)
            _let_happen(base, layout, phases, what)
            could = _bring_up(layout, target)
            event(f"{what}: {'brought up to date' if could else 'made anew'}")
            if could and (number % 2 or number == len(history) - 1 or "SOAK_RENEWALS" in os.environ):
                anew.unlink(missing_ok=True)
                build_warehouse(layout, read_runs(layout), anew)
                assert _differences(target, anew) == []


@pytest.mark.sampled
def test_a_warehouse_loaded_side_by_side_holds_what_one_loaded_table_by_table_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, target, anew = Layout(tmp_path / "data"), tmp_path / "held.duckdb", tmp_path / "anew.duckdb"
    for home in HOMES:
        (tmp_path / home).mkdir()
    for number, (edits, phases, what) in enumerate(ALL_THAT_HAPPENS if WHOLE else ALL_THAT_HAPPENS[:3]):
        for edit in edits:
            _edit(tmp_path, edit)
        _let_happen(tmp_path, layout, phases, what)
        with monkeypatch.context() as patched:
            patched.setattr(load, "_LARGE_TABLE_BYTES", 0)
            patched.setattr(load, "_SMALL_ADDITION_BYTES", 0)
            _bring_up(layout, target)
        if number > 1:
            anew.unlink(missing_ok=True)
            build_warehouse(layout, read_runs(layout), anew)
            assert _differences(target, anew) == []
