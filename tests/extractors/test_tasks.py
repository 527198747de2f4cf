"""Tasks: lists of sessions and named ones, the tasks that block others, and the files of a list itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from models.reject import RejectCode
from tests.documents import MODIFIED_AT, OTHER_SESSION, SESSION, read, read_fixture, source_of

DAMAGED = "whole_files__damaged"


def test_a_task_of_a_session_is_read_whole() -> None:
    found = read_fixture("typical", f"tasks/{SESSION}/3.json")
    description = "Run the build and mend what fails."
    (message_id,) = found.messages()
    assert found.messages() == {message_id: description}
    assert found.one("tasks") == {
        "list_name": SESSION,
        "session_id": SESSION,
        "task_number": 3,
        "task_id": "3",
        "subject": "Check the build",
        "description": description,
        "message_id": message_id,
        "active_form": "Checking the build",
        "status": "in_progress",
        "owner": None,
        "blocks": '["4"]',
        "blocked_by": "[]",
        "metadata": None,
        "file_modified_at": MODIFIED_AT,
        "unparsed": None,
    }


def test_an_empty_description_is_no_message() -> None:
    found = read_fixture("typical", f"tasks/{SESSION}/4.json")
    task = found.one("tasks")
    assert (task["description"], task["message_id"], found.messages()) == ("", None, {})
    assert (task["owner"], task["metadata"]) == ("builder", '{"priority":2}')


def test_a_named_list_is_no_session() -> None:
    task = read_fixture("typical", "tasks/lamp-makers/1.json").one("tasks")
    assert (task["list_name"], task["session_id"]) == ("lamp-makers", None)


@given(st.integers(0, 10**18 - 1), st.sampled_from(["", "\n", " ", "\r\n"]))
def test_any_high_water_mark_is_read_back(number: int, end: str) -> None:
    row = read(f"tasks/{SESSION}/.highwatermark", f"{number}{end}".encode()).one("task_list_files")
    assert (row["highest_task_number"], row["name"], row["session_id"]) == (number, ".highwatermark", SESSION)


def test_a_lock_is_a_row() -> None:
    row = read_fixture("typical", f"tasks/{SESSION}/.lock").one("task_list_files")
    assert (row["name"], row["size"], row["highest_task_number"]) == (".lock", 0, None)


def test_unknown_fields_and_types_are_kept_and_counted() -> None:
    found = read_fixture("whole_files__drift", f"tasks/{SESSION}/1.json")
    task = found.one("tasks")
    assert (task["task_id"], task["blocks"]) == (None, '"none"')
    assert task["unparsed"] == '{"id":1,"urgency":{"level":3}}'
    assert found.drift() == {("field", "task.id"), ("field", "task.urgency.level")}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"tasks/{SESSION}/1.json", RejectCode.WRONG_TYPE),
        (f"tasks/{SESSION}/.highwatermark", RejectCode.BAD_VALUE),
        (f"tasks/{OTHER_SESSION}/.highwatermark", RejectCode.BAD_VALUE),
    ],
)
def test_what_cannot_be_understood_is_rejected(path: str, code: RejectCode) -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture(DAMAGED, path)
    assert refused.value.code is code


def test_other_names_belong_to_other() -> None:
    for name in (f"tasks/{SESSION}/notes.json", f"tasks/{SESSION}/1.json.tmp", "tasks/1.json"):
        assert source_of(name) == "other"
