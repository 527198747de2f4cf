"""A phase is compared, read and judged a slice at a time: however long a slice is, the same comes of it."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.home.found import Found, Stat
from extractors.reading.registry import PHASES, Placement, Treatment
from models.manifest import FileState
from models.observer import Observer
from models.run import RunRecord
from models.tables import MANIFEST
from pipelines.archive.archive import read_runs, writing
from pipelines.archive.homes import HomeName
from pipelines.disk.layout import Layout
from pipelines.run import workers
from pipelines.run.extraction import Request, begin_run
from pipelines.run.inventory import Inventory
from pipelines.run.previous_manifest import LastManifest
from pipelines.run.snapshot import Absent, Snapshot
from tests.crash_driver import write_home
from tests.support import extract, rows, write_part
from tests.trees import parts_of

_PATHS = st.lists(
    st.sampled_from([b"a", b"a/b", b"a/b.c", b"a/c", b"a-b", b"b", b"b/\xff", b"b/a", b"c", b"d"]), unique=True
)
_GENERATIONS = st.none() | st.integers(1, 5)


def _state(path: bytes, phase: int, generation: int | None, outcome: str) -> FileState:
    placed = ("history", path.decode("latin-1"), path, "file", "extract", "rule", "unchanged", outcome, "xxh3")
    return FileState("h", "r", phase, *placed, 1, 2, 3, 4, 5, generation=generation)


_ROWS = st.lists(
    st.tuples(_PATHS.map(lambda some: some[0] if some else b"e"), _GENERATIONS, st.sampled_from(("intact", "expired"))),
    unique_by=lambda row: row[0],
)


def _manifest(directory: str, phase: int, states: Sequence[FileState], short: int) -> LastManifest:
    path = Path(directory) / f"{phase}-{short}.parquet"
    write_part(path, MANIFEST, [state.row() for state in states])
    return LastManifest(path, short)


def _seen(snapshot: Snapshot, phase: int) -> tuple[Sequence[object], list[Absent]]:
    slices = list(snapshot.slices(phase))
    assert all(len(part.items) <= snapshot.at_a_time for part in slices)
    items = [(item.path, item.place, item.last, item.known_generation) for part in slices for item in part.items]
    return items, sorted((one for part in slices for one in part.absent), key=lambda one: one.state.path_bytes)


@settings(max_examples=60, deadline=None)
@given(_PATHS, st.tuples(_ROWS, _ROWS), st.integers(1, 4), st.data())
def test_slices_of_any_length_have_the_same_items_and_miss_the_same(
    paths: list[bytes], known: tuple[list[tuple[bytes, int | None, str]], ...], length: int, data: st.DataObject
) -> None:
    phases = [data.draw(st.sampled_from((1, 2))) for _ in paths]
    places = [Placement("history", phase, Treatment.EXTRACT, "rule", 0) for phase in phases]
    found = [Found(path, "file", Stat(1, 2, 3, 4, 5), None, None) for path in paths]
    home = HomeName("h", Path("/h"))
    with TemporaryDirectory() as directory:
        states = {number: [_state(row[0], number, *row[1:]) for row in some] for number, some in enumerate(known, 1)}
        whole, cut = (
            Snapshot(
                home,
                Inventory(zip(found, places, strict=True)),
                {phase: _manifest(directory, phase, some, short) for phase, some in states.items()},
                at_a_time=at_a_time,
            )
            for short, at_a_time in ((1000, 1000), (0, length))
        )
        for phase in (1, 2):
            assert _seen(cut, phase) == _seen(whole, phase)
            assert cut.due(phase, is_full=False) == whole.due(phase, is_full=False)
        assert [item.path for item in whole.inventory] == [str(item.path) for item in cut.inventory]
        assert all(before < after for before, after in pairwise(whole.inventory.paths()))


def _run(data: Path, home: Path, at_a_time: int | None) -> RunRecord:
    """Extract a home; `at_a_time` is the number of files in a slice of a phase."""
    layout = Layout(data)
    with writing(layout, "test"):
        run = begin_run(layout, Request([("home", home)]), Observer())
        if at_a_time is not None:
            run.snapshots[:] = [replace(snapshot, at_a_time=at_a_time) for snapshot in run.snapshots]
        for home_id, phase in run.phases_due:
            run.do(home_id, phase)
        return run.end_extraction()


def _came(data: Path, runs: Sequence[RunRecord]) -> list[object]:
    """Return the rows that are the same in each archive: without digests with a seed, and without pieces."""
    counts = [(phase.phase, phase.sources, phase.outcomes, phase.rejects) for run in runs for phase in run.phases]
    tables = sorted({part.table for run in runs for phase in run.phases for part in phase.parts})
    return [counts, *((table, sorted(map(_told, rows(data, table)))) for table in tables)]


def _told(row: dict[str, object]) -> str:
    return repr({name: value for name, value in row.items() if name not in ("run_id", "first_run_id", "digest")})


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_in_slices_gives_what_a_run_in_one_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(workers, "_BYTES_PER_PROCESS", 1 << 30 if processes == 1 else 1)
    home = tmp_path / "home"
    runs: dict[str, list[RunRecord]] = {"whole": [], "cut": []}
    for grown in (False, True):
        write_home(home, grown=grown)
        if grown:
            shutil.rmtree(home / "debug")
        for name, at_a_time in (("whole", None), ("cut", 2)):
            runs[name].append(_run(tmp_path / name, home, at_a_time))
    assert _came(tmp_path / "cut", runs["cut"]) == _came(tmp_path / "whole", runs["whole"])
    assert {phase.phase for run in runs["cut"] for phase in run.phases} == set(PHASES)


def test_a_last_manifest_that_is_damaged_with_its_copy_is_named_and_its_files_are_read_again(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    write_home(home, grown=False)
    extract(data, home)
    (manifest, *_) = parts_of(data, "manifest")
    held = bytearray(manifest.read_bytes())
    held[40:60] = bytes(20)
    manifest.write_bytes(held)
    Layout(data).copy_of(manifest).unlink()
    run = extract(data, home)
    assert [(data / one.path, one.mended) for one in run.damage] == [(manifest, False)]
    assert len(read_runs(Layout(data))) == 2
