"""Usage reports: a session's labels and counts, under the session that the file names, else its name."""

from datetime import UTC, datetime

import pytest

from extractors.reading.contract import Malformed
from models.reject import RejectCode
from tests.documents import OTHER_SESSION, SESSION, read_fixture, read_json, source_of

FACETS = f"usage-data/facets/{SESSION}.json"
META = f"usage-data/session-meta/{SESSION}.json"


def test_the_labels_of_a_session_are_read() -> None:
    found = read_fixture("typical", FACETS)
    facets = found.one("session_facets")
    assert (facets["session_id"], facets["outcome"], facets["unparsed"]) == (SESSION, "mostly_achieved", None)
    assert facets["goal_categories"] == '{"implement_feature":1,"fix_bug":2}'
    assert found.messages() == {facets["message_id"]: "The user wanted a lamp and got most of it."}


def test_the_counts_of_a_session_are_read() -> None:
    found = read_fixture("typical", META)
    meta = found.one("session_meta")
    assert (meta["started_at"], meta["duration_minutes"]) == (datetime(2026, 3, 17, 17, 8, 47, 292000, UTC), 409.0)
    assert (meta["has_task_agent"], meta["has_mcp"], meta["modified_file_count"]) == (True, False, 2)
    assert (meta["user_response_seconds"], meta["unparsed"]) == ("[10.5,20,31.25]", None)


def test_a_first_prompt_that_may_be_cut_is_no_message() -> None:
    found = read_fixture("typical", META)
    assert (found.one("session_meta")["first_prompt"], found.messages()) == ("mend the lamp", {})


def test_the_file_names_the_session_before_its_name_does() -> None:
    assert read_json(FACETS, {"session_id": OTHER_SESSION}).one("session_facets")["session_id"] == OTHER_SESSION
    assert read_json(META, {}).one("session_meta")["session_id"] == SESSION


def test_unknown_fields_and_types_are_kept_and_counted() -> None:
    facets = read_fixture("whole_files__drift", FACETS)
    assert (facets.one("session_facets")["unparsed"], facets.drift()) == (
        '{"mood":"good"}',
        {("field", "facets.mood")},
    )
    meta = read_fixture("whole_files__drift", META)
    assert meta.one("session_meta")["unparsed"] == '{"duration_minutes":"long","planet":"Earth"}'


def test_labels_that_are_not_json_are_rejected() -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", FACETS)
    assert refused.value.code is RejectCode.NOT_JSON


def test_the_page_belongs_to_other() -> None:
    assert source_of("usage-data/report.html") == "other"
