"""Golden files: the rows of every fixture home, as sorted JSON lines. `--update-golden` writes them; read the diff."""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import pytest

from extractors.reading.registry import Classifier, sources
from models.tables import RUNNER_TABLES
from pipelines.archive.archive import read_runs
from pipelines.archive.manifests import read_manifest
from pipelines.disk.layout import Layout
from tests.support import extract, fixture_homes, rows

GOLDEN = Path(__file__).parent.parent / "golden"
_NOT_HERE = {"manifest", "extractions", "pieces", "store", "entries", "drift"}
_MASKED = {"file_modified_at", "directory_modified_at", "kept_at"}
_LONGEST = 300


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()[:_LONGEST]
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[:_LONGEST] + f"… ({len(value)} characters)"
    return value


def _lines(data: Path) -> Iterator[tuple[str, str]]:
    """Yield table and line of each row of the sources, of messages, rejects, repairs and drift."""
    layout = Layout(data)
    runs = read_runs(layout)
    parts = [part for run in runs for phase in run.phases for part in phase.parts]
    paths = {s.file_id: s.path for part in parts if part.table == "manifest" for s in read_manifest(data / part.path)}
    for table in sorted({part.table for part in parts} - _NOT_HERE | {"drift"}):
        for row in rows(data, table):
            file_id, run_id, home_id = row.pop("file_id", None), row.pop("run_id", None), row.pop("home_id", None)
            assert table in {t.name for t in RUNNER_TABLES} or (run_id and home_id)
            shown = {name: _shown(value) for name, value in row.items() if value is not None and name not in _MASKED}
            if file_id is not None:
                shown["file"] = paths[file_id]  # type: ignore[index]
            yield table, json.dumps(shown, ensure_ascii=False, sort_keys=True)


@pytest.mark.parametrize("home", fixture_homes(), ids=lambda home: home.name)
def test_a_fixture_home_gives_the_rows_of_its_golden_file(home: Path, tmp_path: Path, update_golden: bool) -> None:
    extract(tmp_path / "data", home)
    made = "".join(f"{table}\t{line}\n" for table, line in sorted(_lines(tmp_path / "data")))
    golden = GOLDEN / f"{home.name}.tsv"
    if update_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(made, encoding="utf-8", newline="\n")
    assert golden.exists(), "no golden file: run with --update-golden and read what it writes"
    assert made == golden.read_text(encoding="utf-8")


VERSIONS = GOLDEN / "versions.txt"
"""One line for each fixture file that gives rows: source and its version, digests of the file's bytes and of its rows,
and the file.
"""


def _versions() -> Iterator[tuple[str, str, int, str, str]]:
    """Yield file, source, version and both digests for each fixture file that has rows in a golden file."""
    classifier = Classifier()
    for home in fixture_homes():
        given: dict[str, list[str]] = {}
        for line in (GOLDEN / f"{home.name}.tsv").read_text(encoding="utf-8").splitlines():
            path = json.loads(line.partition("\t")[2]).get("file")
            if path is not None:
                given.setdefault(path, []).append(line)
        for path, lines in given.items():
            source = sources().get(classifier.place(path, "file").source)
            if source is not None and (home / path).is_file():
                content = blake2b((home / path).read_bytes(), digest_size=8).hexdigest()
                rows_given = blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
                yield f"{home.name}/{path}", source.name, source.version, content, rows_given


def test_a_parser_that_gives_other_rows_for_the_same_bytes_has_a_new_version(update_golden: bool) -> None:
    made = sorted(_versions())
    noted = {}
    for line in VERSIONS.read_text(encoding="utf-8").splitlines() if VERSIONS.exists() else ():
        path, source, version, content, given = line.split("\t")
        noted[path] = (source, int(version), content, given)
    unraised = {
        source
        for path, source, version, content, given in made
        if path in noted and noted[path][:3] == (source, version, content) and noted[path][3] != given
    }
    assert unraised == set(), (
        "raise the `version` of these sources: kept files are then read again by their new parsers"
    )
    lines = "".join("\t".join(map(str, one)) + "\n" for one in made)
    if update_golden:
        VERSIONS.write_text(lines, encoding="utf-8", newline="\n")
    assert lines == VERSIONS.read_text(encoding="utf-8")
