"""The store restores any file as of any run, byte for byte, or raises an error."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ConfigurationError, FixityError, StoreError
from models.identity import file_id
from pipelines.archive.archive import committed_parts, read_runs
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from tests.sampled import WHOLE
from tests.support import extract

LINE = b'{"display":"do it","pastedContents":{},"timestamp":1768724500000,"project":"/p"}\n'
EVENT = b"2026-01-23T16:46:29.314Z [DEBUG] [render] first\n"
NAMES = {"history.jsonl": 1, "debug/3fd192e1-4608-4d4e-a084-ebefc26337f3.txt": 2, "plans/p.md": 4}

Change = tuple[str, str, int]
CHANGES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(NAMES)),
            st.sampled_from(["append", "cut", "rewrite", "delete", "nothing"]),
            st.integers(0, 400),
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=5,
)


def _apply(home: Path, change: Change, number: int) -> None:
    name, what, amount = change
    place = home / name
    place.parent.mkdir(parents=True, exist_ok=True)
    held = place.read_bytes() if place.exists() else b""
    line = EVENT if name.startswith("debug") else LINE
    match what:
        case "append":
            held += (line * 5)[: amount + 1]
        case "cut":
            held = held[: len(held) * amount // 400]
        case "rewrite":
            held = b"%d " % amount + held[amount:]
        case "delete":
            place.unlink(missing_ok=True)
            return
        case _:
            pass
    place.write_bytes(held)
    os.utime(place, ns=(10**18 + number * 10**9, 10**18 + number * 10**9))


@pytest.mark.sampled
@settings(max_examples=100 if WHOLE else 10)
@given(CHANGES)
def test_every_file_is_restored_as_of_every_run(rounds: list[list[Change]]) -> None:
    with TemporaryDirectory() as place:
        home, data = Path(place) / "home", Path(place) / "data"
        home.mkdir()
        stood: dict[str, dict[bytes, bytes]] = {}
        for number, changes in enumerate(rounds):
            for change in changes:
                _apply(home, change, number)
            run = extract(data, home, phases=(1, 2, 4), is_full=number % 2 == 1)
            stood[run.run_id] = {name.encode(): (home / name).read_bytes() for name in NAMES if (home / name).exists()}
        reader = StoreReader.open(Layout(data))
        for run_id, files in stood.items():
            states = {
                state.path_bytes: state
                for state in reader.files(run_id)
                if state.entry_type == "file" and state.is_present and state.file_id is not None
            }
            assert set(states) == set(files)
            for path, content in files.items():
                state = states[path]
                assert state.file_id is not None
                assert reader.kept_bytes(state.file_id, run_id) == state.size == len(content)
                assert b"".join(reader.read_range(state.file_id, 0, state.size, run_id)) == content
                start, end = len(content) // 3, len(content) - len(content) // 4
                middle = b"".join(reader.read_range(state.file_id, start, end - start, run_id))
                assert middle == content[start:end]


def _large(tmp_path: Path) -> tuple[Path, bytes, int]:
    content = b"".join(b'{"display":"%d %s","timestamp":1}\n' % (number, b"x" * 50_000) for number in range(120))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "history.jsonl").write_bytes(content)
    extract(tmp_path / "data", tmp_path / "home", phases=(1,))
    return tmp_path / "data", content, file_id("home", b"history.jsonl", 1)


@settings(max_examples=40, deadline=None)
@given(span=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_any_span_of_a_file_of_many_pieces_is_given_back(
    tmp_path_factory: pytest.TempPathFactory, span: tuple[float, float]
) -> None:
    if "large" not in _MADE:
        _MADE["large"] = _large(tmp_path_factory.mktemp("large"))
    data, content, file = _MADE["large"]
    start, end = sorted(int(at * len(content)) for at in span)
    blocks = list(StoreReader.open(Layout(data)).read_range(file, start, end - start))
    assert b"".join(blocks) == content[start:end]
    assert all(0 < len(block) <= 4 << 20 for block in blocks)


_MADE: dict[str, tuple[Path, bytes, int]] = {}


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), table=st.sampled_from(["store", "pieces"]))
def test_a_flipped_bit_never_gives_other_bytes(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int, table: str
) -> None:
    if "flip" not in _MADE:
        _MADE["flip"] = _large(tmp_path_factory.mktemp("flip"))
    data, content, file = _MADE["flip"]
    (part,) = committed_parts(read_runs(Layout(data)), table)
    place = data / part.path
    right = place.read_bytes()
    wrong = bytearray(right)
    wrong[int(where * len(wrong))] ^= 1 << bit
    try:
        place.write_bytes(wrong)
        given_back = b"".join(StoreReader.open(Layout(data)).read_range(file, 0, len(content)))
    except (FixityError, StoreError):
        pass
    else:
        assert given_back == content
    finally:
        place.write_bytes(right)


def test_a_file_that_claims_other_types_is_reported_as_damaged(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    (home / "history.jsonl").write_bytes(b'{"display":"a","timestamp":1759331823096,"project":"/p"}\n')
    extract(data, home)
    runs = read_runs(Layout(data))
    (part,) = (one for one in committed_parts(runs, "store") if "phase-1" in one.path)
    rows = pq.read_table(data / part.path, partitioning=None)
    lengths = rows.column("piece_bytes").cast(pa.float64())
    place = rows.schema.get_field_index("piece_bytes")
    pq.write_table(rows.set_column(place, "piece_bytes", lengths), data / part.path)
    with pytest.raises(FixityError, match="piece_bytes is not int64"):
        b"".join(StoreReader.open(Layout(data)).read_range(file_id("home", b"history.jsonl", 1), 0, 10))


def test_what_was_not_kept_is_refused(tmp_path: Path) -> None:
    data, content, file = _large(tmp_path)
    reader = StoreReader.open(Layout(data))
    assert reader.kept_bytes(7) is None
    for wanted in ((7, 0, 1), (file, 0, len(content) + 1), (file, -1, 1), (file, 1, -1)):
        with pytest.raises(ConfigurationError):
            list(reader.read_range(*wanted))
    with pytest.raises(ConfigurationError, match="no committed run"):
        list(reader.read_range(file, 0, 1, "20010101T000000Z-000000"))
    with pytest.raises(ConfigurationError, match="no committed run"):
        reader.files("20010101T000000Z-000000")


def test_an_archive_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no archive"):
        StoreReader.open(Layout(tmp_path / "nowhere"))
