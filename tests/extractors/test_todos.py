"""To-do lists: three schemas, empty lists, the owner of a list, and unknown fields."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from models.json import JsonObject
from models.reject import RejectCode
from tests.documents import MODIFIED_AT, OLD_SESSION, OTHER_SESSION, SESSION, read, read_fixture, read_json, source_of

PATH = f"todos/{SESSION}-agent-{SESSION}.json"
KNOWN = {"content", "status", "priority", "activeForm", "id"}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ITEMS = st.fixed_dictionaries(
    {"content": TEXTS},
    optional=dict.fromkeys(("status", "priority", "activeForm", "id"), TEXTS),
)
UNKNOWN = st.dictionaries(
    TEXTS.filter(lambda name: name not in KNOWN), st.integers(-5, 5) | TEXTS | st.lists(TEXTS), max_size=2
)


@given(st.lists(st.tuples(ITEMS, UNKNOWN), max_size=4))
def test_nothing_of_any_list_is_lost(items: list[tuple[JsonObject, JsonObject]]) -> None:
    found = read_json(PATH, [item | unknown for item, unknown in items])
    assert found.one("todo_lists")["item_count"] == len(items)
    todos = found.tables.get("todos", [])
    columns = {"todo_text": "content", "status": "status", "priority": "priority", "active_form": "activeForm"}
    for number, ((item, unknown), todo) in enumerate(zip(items, todos, strict=True), 1):
        assert todo["item_number"] == number
        assert {column: todo[column] for column in columns} == {c: item.get(name) for c, name in columns.items()}
        assert todo["todo_id"] == item.get("id")
        left = todo["unparsed"]
        assert (orjson.loads(left) if isinstance(left, str) else {}) == unknown
        assert found.messages()[str(todo["message_id"])] == item["content"]


def test_each_of_the_three_schemas_is_read() -> None:
    newest = read_fixture("typical", f"todos/{SESSION}-agent-{SESSION}.json").tables["todos"]
    middle = read_fixture("typical", f"todos/{SESSION}-agent-4f0c2ab1.json").tables["todos"]
    oldest = read_fixture("typical", f"todos/{OLD_SESSION}.json").tables["todos"]
    columns = ("status", "priority", "active_form", "todo_id")
    assert [newest[1][column] for column in columns] == ["in_progress", None, "Testing the lamp", None]
    assert [middle[1][column] for column in columns] == ["pending", None, None, "2"]
    assert [oldest[0][column] for column in columns] == ["pending", "high", None, "1"]


@pytest.mark.parametrize(
    ("name", "agent_id", "is_main_thread"),
    [
        (f"{SESSION}-agent-{SESSION}", SESSION, True),
        (f"{SESSION}-agent-{OTHER_SESSION}", OTHER_SESSION, False),
        (f"{SESSION}-agent-4f0c2ab1", "4f0c2ab1", False),
        (SESSION, None, True),
    ],
)
def test_an_empty_list_is_a_row_that_says_whose_it_is(name: str, agent_id: str | None, is_main_thread: bool) -> None:
    found = read(f"todos/{name}.json", b"[]")
    assert found.tables == {
        "todo_lists": [
            {
                "session_id": SESSION,
                "agent_id": agent_id,
                "is_main_thread": is_main_thread,
                "item_count": 0,
                "file_modified_at": MODIFIED_AT,
            }
        ]
    }


def test_unknown_fields_and_types_are_kept_item_by_item_and_counted() -> None:
    found = read_fixture("whole_files__drift", PATH)
    assert [todo["unparsed"] for todo in found.tables["todos"]] == [
        '{"dueOn":"2026-03-18"}',
        '{"status":3,"dueOn":"2026-03-19"}',
    ]
    assert found.drift() == {("field", "todo.dueOn"), ("field", "todo.status")}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (f"{SESSION}-agent-{SESSION}", RejectCode.NOT_JSON),
        (f"{OTHER_SESSION}-agent-{OTHER_SESSION}", RejectCode.NOT_JSON),
        (f"{OLD_SESSION}-agent-{OLD_SESSION}", RejectCode.WRONG_TYPE),
        (f"{SESSION}-agent-0000001", RejectCode.MISSING_FIELD),
        (f"{SESSION}-agent-0000002", RejectCode.WRONG_TYPE),
    ],
)
def test_a_list_that_cannot_be_understood_is_rejected_whole(name: str, code: RejectCode) -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", f"todos/{name}.json")
    assert refused.value.code is code


def test_other_names_belong_to_other() -> None:
    assert source_of(PATH) == "todos"
    for name in ("todos/notes.json", f"todos/{SESSION}.json.bak", f"todos/old/{SESSION}.json"):
        assert source_of(name) == "other"
