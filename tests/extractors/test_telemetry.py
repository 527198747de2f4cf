"""Telemetry: two formats give the same rows, torn lines are reported, and no row has values that identify a person."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from models.json import JsonObject
from models.reject import RejectCode
from tests.documents import SESSION, Document, read, read_fixture
from tests.support import FIXTURES

FIRST, SECOND, THIRD = (
    f"telemetry/1p_failed_events.{SESSION}.11111111-aaaa-4bbb-8ccc-00000000000{number}.json" for number in (1, 2, 3)
)
SECRET = "made-up-device"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
IDENTIFIERS = st.dictionaries(
    st.sampled_from(
        ["device_id", "email", "auth", "user_attributes", "additional_metadata", "process", "account_uuid"]
    ),
    st.just(SECRET) | st.just({"account_uuid": SECRET}) | st.just([SECRET]),
)
EVENTS = st.builds(
    lambda name, at, model, hidden: {
        "event_type": "ClaudeCodeInternalEvent",
        "event_data": {
            "event_name": name,
            "client_timestamp": at.isoformat(),
            "model": model,
            "env": {"version": "2.1.63"},
            **hidden,
        },
    },
    TEXTS,
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # bounds are naive
    TEXTS,
    IDENTIFIERS,
)


def cells(found: Document) -> str:
    return repr(found.tables) + repr(found.drift()) + repr(found.messages())


@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_both_formats_give_the_same_rows_and_none_that_identifies(events: list[JsonObject]) -> None:
    lines = read(FIRST, b"".join(orjson.dumps(event) + b"\n" for event in events))
    assert lines.tables == read(FIRST, orjson.dumps(events)).tables
    assert [row["item_number"] for row in lines.tables["telemetry_events"]] == list(range(1, len(events) + 1))
    assert all(row["is_readable"] and row["unparsed"] is None for row in lines.tables["telemetry_events"])
    assert SECRET not in cells(lines)


def test_events_of_both_kinds_are_read() -> None:
    found = read_fixture("typical", FIRST)
    internal, experiment = found.tables["telemetry_events"]
    assert (internal["event_name"], internal["version"], internal["platform"]) == ("tengu_lamp_lit", "2.1.63", "linux")
    assert internal["event_at"] == datetime(2026, 1, 2, 0, 12, 11, 326000, UTC)
    assert (experiment["event_name"], experiment["variation_id"]) == ("exp_lamp", 1)
    assert experiment["event_at"] is not None
    assert found.entries[0].version == "2.1.63"
    assert found.drift() == set()


@pytest.mark.parametrize(
    ("case", "path"),
    [("typical", FIRST), ("typical", SECOND), ("whole_files__damaged", FIRST), ("whole_files__drift", FIRST)],
)
def test_no_row_holds_what_identifies(case: str, path: str) -> None:
    assert b"made-up" in (FIXTURES / case / path).read_bytes()
    assert "made-up" not in cells(read_fixture(case, path))


def test_a_torn_line_is_reported_and_the_others_are_read() -> None:
    found = read_fixture("whole_files__damaged", FIRST)
    rows = found.tables["telemetry_events"]
    assert [row["is_readable"] for row in rows] == [True, False, False, True]
    assert found.drift() == {("field_type", "telemetry_event")}


def test_an_object_left_of_a_torn_event_is_no_event() -> None:
    whole = orjson.dumps({"event_type": "A", "event_data": {"event_name": "b"}})
    left = orjson.dumps({"timestamp": "c", "anonymous": SECRET})
    found = read(FIRST, whole + b"\n" + b'torn" ' + left + b"\n")
    assert SECRET not in cells(found)
    rows = found.tables["telemetry_events"]
    assert rows[0]["is_readable"]
    assert not any(row["is_readable"] for row in rows[1:])


def test_identifying_values_are_left_out_everywhere() -> None:
    found = read(FIRST, orjson.dumps({"event_type": "A", "device_id": SECRET, "event_data": {"email": SECRET}}))
    assert found.one("telemetry_events")["unparsed"] is None


def test_unknown_fields_and_odd_elements_are_kept_or_reported() -> None:
    found = read_fixture("whole_files__drift", FIRST)
    known, odd, none = found.tables["telemetry_events"]
    assert known["unparsed"] == '{"event_data":{"lamp_colour":"green"}}'
    assert (odd["is_readable"], odd["event_name"], none["is_readable"]) == (True, None, False)
    assert found.drift() == {
        ("field", "telemetry_event.event_data.lamp_colour"),
        ("field_type", "telemetry_event.event_data"),
        ("field_type", "telemetry_event"),
    }


@pytest.mark.parametrize("path", [SECOND, THIRD])
def test_a_batch_without_any_event_is_rejected(path: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", path)
    assert refused.value.code is RejectCode.NOT_JSON


@pytest.mark.parametrize("data", [b"", b"\n\n", b"[]", b"null", b"7\n"])
def test_a_batch_of_nothing_is_rejected(data: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        read(FIRST, data)
    assert refused.value.code is RejectCode.NOT_JSON
