"""Teams: members, inboxes, and messages whose text is JSON itself."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from extractors.teams import inner_type
from models.reject import RejectCode
from tests.documents import MODIFIED_AT, SESSION, read_fixture, read_json

CONFIG = "teams/lamp-makers/config.json"
INBOX = "teams/lamp-makers/inboxes/builder.json"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_a_team_and_its_members_are_read() -> None:
    found = read_fixture("typical", CONFIG)
    assert found.one("teams") == {
        "team_name": "lamp-makers",
        "name": "lamp-makers",
        "description": "Makes lamps.",
        "created_at": datetime(2026, 2, 11, 1, 51, 27, 122000, UTC),
        "lead_agent_id": "team-lead@lamp-makers",
        "session_id": "0a1b2c3d-1111-4222-8333-444455556666",
        "lead_session_id": SESSION,
        "member_count": 2,
        "file_modified_at": MODIFIED_AT,
        "unparsed": None,
    }
    lead, builder = found.tables["team_members"]
    assert (lead["name"], lead["message_id"], lead["is_active"]) == ("team-lead", None, None)
    assert (builder["backend_type"], builder["is_active"], builder["is_plan_required"]) == ("tmux", True, False)
    assert found.messages() == {builder["message_id"]: "Build the lamp that the lead draws."}


def test_the_messages_of_an_inbox_are_read_in_their_order() -> None:
    found = read_fixture("typical", INBOX)
    assert found.one("team_inboxes")["message_count"] == 3
    messages = found.tables["team_messages"]
    assert [(m["item_number"], m["inner_type"], m["is_read"], m["summary"], m["color"]) for m in messages] == [
        (1, "task_assignment", True, None, "blue"),
        (2, None, False, "Green bulb", None),
        (3, None, False, None, None),
    ]
    assert {(m["sender"], m["recipient"], m["unparsed"]) for m in messages} == {("team-lead", "builder", None)}
    assert messages[1]["sent_at"] == datetime(2026, 2, 13, 7, 48, 27, 186000, UTC)
    assert found.messages()[str(messages[1]["message_id"])] == "Use the green bulb."


def test_an_empty_inbox_is_a_row() -> None:
    found = read_fixture("typical", "teams/lamp-makers/inboxes/team-lead.json")
    assert list(found.tables) == ["team_inboxes"]
    assert found.one("team_inboxes")["message_count"] == 0


@given(st.lists(TEXTS, max_size=4))
def test_any_text_that_was_sent_is_a_message(texts: list[str]) -> None:
    found = read_json(INBOX, [{"text": text} for text in texts])
    assert [found.messages()[str(row["message_id"])] for row in found.tables.get("team_messages", [])] == texts


@given(TEXTS)
def test_no_text_is_too_odd_to_look_within(text: str) -> None:
    assert inner_type(text) is None
    assert inner_type("{" + text) is None


def test_only_a_type_that_is_text_is_one() -> None:
    assert inner_type('{"type":"idle_notification"}') == "idle_notification"
    assert inner_type('{"type":7}') is None
    assert inner_type('{"kind":"idle"}') is None
    assert inner_type('["type"]') is None


def test_unknown_fields_and_types_are_kept_row_by_row_and_counted() -> None:
    found = read_fixture("whole_files__drift", CONFIG)
    assert found.one("teams")["unparsed"] == '{"createdAt":"yesterday","motto":"Let there be light"}'
    assert [m["unparsed"] for m in found.tables["team_members"]] == ['{"mood":"good"}', '{"mood":"bad"}']
    assert found.drift() == {("field", "team.createdAt"), ("field", "team.motto"), ("field", "team_member.mood")}
    inbox = read_fixture("whole_files__drift", INBOX)
    assert inbox.one("team_messages")["unparsed"] == '{"read":"yes","priority":1}'


def test_members_that_are_no_objects_stay_as_they_are() -> None:
    found = read_json(CONFIG, {"name": "lamp-makers", "members": ["builder"]})
    team = found.one("teams")
    assert (team["member_count"], team["unparsed"]) == (0, '{"members":["builder"]}')


@pytest.mark.parametrize(("path", "code"), [(CONFIG, RejectCode.NOT_JSON), (INBOX, RejectCode.MISSING_FIELD)])
def test_what_cannot_be_understood_is_rejected(path: str, code: RejectCode) -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", path)
    assert refused.value.code is code
