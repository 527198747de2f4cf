"""session-env/: directories are facts, files are kept whole, and their exports are rows."""

from pathlib import Path

import pytest

from extractors.reading.contract import Entry
from extractors.reading.registry import Classifier
from extractors.session_env import parse_directory, parse_file
from models.schema import Value, table_of
from tests.support import extract, rows

SESSION = "0a1b2c3d-1111-4222-8333-444455556666"

Cells = dict[str, Value]


def parsed(data: bytes, file_name: str = "sessionstart-hook-0.sh", directory_name: str = SESSION) -> list[Cells]:
    """Return the variables of a file, and last the file."""
    made = parse_file(Entry({"directory_name": directory_name, "file_name": file_name}, data))
    return [dict(zip((c.name for c in table_of(row).columns), row, strict=True)) for row in made]


def test_an_empty_directory_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "home" / "session-env" / SESSION).mkdir(parents=True)
    (tmp_path / "home" / "session-env" / "no-session").mkdir()
    extract(tmp_path / "data", tmp_path / "home", phases=[6])
    found = rows(tmp_path / "data", "session_env_directories")
    assert {(row["session_id"], row["directory_name"]) for row in found} == {(SESSION, SESSION), (None, "no-session")}
    assert all(row["directory_modified_at"] is not None for row in found)


def test_a_directory_that_is_no_session_names_none() -> None:
    (row,) = parse_directory(Entry({"directory_name": SESSION.upper()}, b""))
    assert row[:2] == (None, SESSION.upper())


def test_the_exports_of_a_file_are_rows_with_their_lines() -> None:
    *variables, file = parsed(b'# set by a hook\nexport A="one\ntwo"; export B=$A\nC=3\nexport D\n')
    assert [(v["name"], v["value"], v["line_number"], v["has_expansion"]) for v in variables] == [
        ("A", "one\ntwo", 2, False),
        ("B", "$A", 3, True),
        ("D", None, 5, False),
    ]
    assert (file["export_count"], file["line_count"], file["content_bytes"]) == (3, 5, None)


def test_a_value_that_looks_like_a_secret_is_kept_exactly() -> None:
    variable, _ = parsed(b"export DEMO_API_KEY=not-a-secret-0123456789abcdef\n")
    assert variable["value"] == "not-a-secret-0123456789abcdef"


def test_a_file_that_is_not_utf8_keeps_its_bytes_and_flags_its_values() -> None:
    data = b"export A=caf\xe9\nexport B=b\n" + b"\0" * 8
    first, second, file = parsed(data)
    assert (first["value"], first["was_repaired"], second["was_repaired"]) == ("caf\ufffd", True, False)
    assert (file["content_text"], file["content_bytes"], file["size"]) == (None, data, len(data))


@pytest.mark.parametrize(
    ("file_name", "event", "number"),
    [
        ("sessionstart-hook-0.sh", "sessionstart", 0),
        ("cwdchanged-hook-12.sh", "cwdchanged", 12),
        ("hook-3.sh", None, 3),
        ("setup-hook-.sh", None, None),
        ("notes.txt", None, None),
    ],
)
def test_the_name_of_a_file_tells_event_and_number(file_name: str, event: str | None, number: int | None) -> None:
    (file,) = parsed(b"", file_name)
    assert (file["hook_event"], file["hook_number"]) == (event, number)


def test_a_file_of_a_directory_that_is_no_session_counts() -> None:
    variable, file = parsed(b"export A=1", directory_name="no-session")
    for row in (variable, file):
        assert (row["session_id"], row["directory_name"]) == (None, "no-session")


@pytest.mark.parametrize("path", ["session-env/notes.txt", f"session-env/{SESSION}/sub/a.sh"])
def test_a_file_elsewhere_is_left_to_other(path: str) -> None:
    assert Classifier().place(path, "file").source == "other"
