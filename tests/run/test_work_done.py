"""The work of a run when little or nothing is new: files opened, read, parsed and written are counted, not timed."""

import json
from collections import Counter
from pathlib import Path

import pytest

from extractors.home import home as _source
from extractors.home.home import HeldDirectory, Home, PinnedFile
from extractors.home.platform import pread
from extractors.reading.task import FileResult
from models.observer import FileRead, Observer
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import RunResult, run_job
from tests.command_line import SESSION, prompt, start

TRANSCRIPT = f"projects/-p/{SESSION}.jsonl"


class Reads:
    """Counts of opened files and read bytes of a home, by path; both go through `extractors.home.home`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: Counter[bytes] = Counter()
        self.bytes: Counter[tuple[bytes, int]] = Counter()
        self.total = 0
        read, opening, opening_held = PinnedFile.read, Home.open, HeldDirectory.open

        def counted_pread(descriptor: int, size: int, offset: int) -> bytes:
            data = pread(descriptor, size, offset)
            self.total += len(data)
            return data

        def counted_read(file: PinnedFile, offset: int, size: int) -> bytes:
            data = read(file, offset, size)
            self.bytes.update((file.path, place) for place in range(offset, offset + len(data)))
            return data

        def counted_open(home: Home, path: bytes) -> PinnedFile:
            self.opened[path] += 1
            return opening(home, path)

        def counted_open_held(held: HeldDirectory, path: bytes) -> PinnedFile:
            self.opened[path] += 1
            return opening_held(held, path)

        monkeypatch.setattr(_source, "pread", counted_pread)
        monkeypatch.setattr(PinnedFile, "read", counted_read)
        monkeypatch.setattr(Home, "open", counted_open)
        monkeypatch.setattr(HeldDirectory, "open", counted_open_held)

    def forget(self) -> None:
        """Begin to count anew."""
        self.opened.clear()
        self.bytes.clear()
        self.total = 0

    def most_often(self, path: str | None = None) -> int:
        """Return how often the byte was read that was read most often, of one file or of all but the transcript."""
        wanted = [
            count
            for (name, _), count in self.bytes.items()
            if (name == path.encode() if path else name != TRANSCRIPT.encode())
        ]
        return max(wanted, default=0)


class Results(Observer):
    """Keeps the results of reading each file."""

    def __init__(self) -> None:
        self.files: list[FileResult] = []

    def file_read(self, read: FileRead) -> None:
        assert isinstance(read, FileResult)
        self.files.append(read)


def _record(number: int) -> bytes:
    said = {"role": "user", "content": f"question {number}"}
    record = {
        "type": "user",
        "uuid": f"u{number}",
        "sessionId": SESSION,
        "message": said,
        "cwd": "/p",
        "version": "2.1.0",
    }
    return json.dumps(record).encode() + b"\n"


@pytest.fixture
def grown(home: Path) -> Path:
    """The home, with a transcript in it."""
    path = home / TRANSCRIPT
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(map(_record, range(20))))
    return home


def _run(data: Path, home: Path) -> tuple[RunResult, list[FileResult]]:
    results = Results()
    return run_job(Layout(data), Request([("mine", home)]), results), results.files


def _rows_written(finished: RunResult) -> Counter[str]:
    return Counter({part.table: part.rows for phase in finished.run.phases for part in phase.parts if part.rows})


def test_with_nothing_new_nothing_is_parsed_or_written_and_each_byte_is_read_once(
    grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    first, files = _run(data, grown)
    assert files
    assert {"records", "prompts", "store"} <= set(_rows_written(first))
    published = Layout(data).warehouse.resolve()
    before = published.stat()

    reads = Reads(monkeypatch)
    second, files = _run(data, grown)

    assert files == []
    assert set(reads.opened.values()) == {1}
    assert reads.most_often() == reads.most_often(TRANSCRIPT) == 1
    assert reads.total == sum(reads.bytes.values())
    assert set(_rows_written(second)) == {"manifest"}
    assert second.run.warehouse == first.run.warehouse
    assert Layout(data).warehouse.resolve() == published
    assert (published.stat().st_ino, published.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(Layout(data).warehouses.iterdir()) == [published]


def test_after_an_append_only_what_is_new_is_parsed_and_only_that_file_is_read_more_than_once(
    grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, path = tmp_path / "data", grown / TRANSCRIPT
    _run(data, grown)
    old, new = path.stat().st_size, b"".join(map(_record, range(20, 23)))
    with path.open("ab") as file:
        file.write(new)

    reads = Reads(monkeypatch)
    finished, files = _run(data, grown)

    (result,) = files
    assert result.task.path == TRANSCRIPT.encode()
    assert (result.from_offset, result.size, result.bytes_read) == (old, old + len(new), old + len(new))
    assert (result.entry_count, result.row_count, result.new_piece_bytes) == (3, 6, len(new))
    assert reads.most_often() == 1
    # Taken in, looked at again because it was written a moment ago, and digested again at the end.
    assert reads.most_often(TRANSCRIPT) <= 3
    written = _rows_written(finished)
    assert (written["records"], written["entries"], written["message_texts"], written["store"]) == (3, 3, 3, 1)
    assert written["prompts"] == 0


def test_a_prompt_more_touches_no_other_source(grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    _run(data, grown)
    with (grown / "history.jsonl").open("ab") as file:
        file.write(prompt("three", 4))
    reads = Reads(monkeypatch)
    finished, files = _run(data, grown)
    assert [result.task.path for result in files] == [b"history.jsonl"]
    assert set(_rows_written(finished)) == {
        *("manifest", "extractions", "prompts", "occurrences", "message_texts", "entries", "pieces", "store")
    }
    assert reads.opened.pop(b"history.jsonl") == 2
    assert set(reads.opened.values()) == {1}


def test_a_run_that_finds_nothing_new_imports_no_engine_that_it_never_uses(grown: Path, tmp_path: Path) -> None:
    arguments = ("run", "--home", grown, "--data", tmp_path / "data", "--json")
    assert start(*arguments).code == 0
    ran = start(*arguments, before=("-X", "importtime"))
    assert ran.code == 0
    imported = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    assert "pipelines.report.write" in imported
    engines = {"polars", "prefect", "pyarrow.acero", "pyarrow.dataset"}
    assert imported.isdisjoint(engines)
