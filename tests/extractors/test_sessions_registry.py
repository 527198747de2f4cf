"""Running sessions: old and new registrations, and the version that each tells."""

from datetime import UTC, datetime

import pytest

from extractors.reading.contract import Malformed
from extractors.reading.registry import Classifier, Treatment
from models.reject import RejectCode
from tests.documents import OTHER_SESSION, SESSION, read_fixture


def test_a_new_registration_is_read_whole() -> None:
    found = read_fixture("typical", "sessions/4242.json")
    session = found.one("live_sessions")
    assert (session["pid"], session["session_id"], session["status"]) == (4242, SESSION, "waiting")
    assert session["started_at"] == datetime(2026, 6, 13, 14, 31, 36, 853000, UTC)
    assert (session["former_names"], session["process_start"], session["unparsed"]) == ('["bulb"]', "1916063", None)
    assert found.entries[0].version == session["version"] == "2.1.177"


def test_an_old_registration_has_less() -> None:
    session = read_fixture("typical", "sessions/977.json").one("live_sessions")
    assert (session["session_id"], session["cwd"], session["version"]) == (OTHER_SESSION, r"C:\Users\mira\work", None)


def test_unknown_fields_are_kept_and_a_process_of_another_name_is_reported() -> None:
    found = read_fixture("whole_files__drift", "sessions/4242.json")
    session = found.one("live_sessions")
    assert (session["pid"], session["started_at"]) == (4242, None)
    assert session["unparsed"] == '{"pid":4243,"startedAt":-1,"lamp":true}'


def test_a_registration_without_a_session_is_rejected() -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", "sessions/4242.json")
    assert refused.value.code is RejectCode.MISSING_FIELD


def test_the_key_beside_a_registration_is_never_opened() -> None:
    place = Classifier().place(f"sessions/4242.{'0f' * 32}.key", "file")
    assert (place.source, place.treatment) == ("sessions", Treatment.WITHHOLD)
