"""Background jobs: their prompts, their results, and the changes of their states."""

from datetime import UTC, datetime

import pytest

from extractors.reading.contract import Malformed
from models.reject import RejectCode
from tests.documents import SESSION, read_fixture, source_of

STATE = "jobs/0a1b2c3d/state.json"
TIMELINE = "jobs/0a1b2c3d/timeline.jsonl"


def test_a_job_is_read_whole() -> None:
    found = read_fixture("typical", STATE)
    job = found.one("jobs")
    assert (job["job_id"], job["session_id"], job["state"], job["unparsed"]) == ("0a1b2c3d", SESSION, "done", None)
    assert (job["respawn_flags"], job["token_count"], job["transcript_offset"]) == ('["--model","haiku"]', 94, 368630)
    assert job["first_ended_at"] == datetime(2026, 6, 5, 7, 0, 37, 163000, UTC)
    assert found.messages() == {job["message_id"]: "Mend the lamp.", job["result_message_id"]: "The lamp glows."}
    assert found.entries[0].version == "2.1.165"


def test_the_changes_of_its_state_are_read_line_by_line() -> None:
    found = read_fixture("typical", TIMELINE)
    first, second = found.tables["job_events"]
    assert (first["state"], first["message_id"]) == ("working", None)
    assert found.messages() == {second["message_id"]: "The lamp glows."}


def test_unknown_fields_are_kept_and_counted() -> None:
    found = read_fixture("whole_files__drift", STATE)
    job = found.one("jobs")
    assert job["unparsed"] == '{"daemonShort":"99999999","lamp":true,"output":{"draft":1}}'
    assert job["result_message_id"] is not None
    assert read_fixture("whole_files__drift", TIMELINE).drift() == {("field", "job_event.lamp")}


@pytest.mark.parametrize(("path", "code"), [(STATE, RejectCode.NOT_AN_OBJECT), (TIMELINE, RejectCode.MISSING_FIELD)])
def test_what_cannot_be_understood_is_rejected(path: str, code: RejectCode) -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", path)
    assert refused.value.code is code


def test_pins_belong_to_other() -> None:
    assert source_of("jobs/0a1b2c3d/pins.json") == source_of("jobs/pins.json") == "other"
