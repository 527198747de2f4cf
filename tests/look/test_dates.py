"""Dates as people write them."""

import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigurationError
from pipelines.look.dates import period

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no tzset")


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone whose days have 23, 24 or 25 hours."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _now() -> datetime:
    return datetime(2026, 4, 1, 15, 30).astimezone()  # a Wednesday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2026-04-01T00:00:00+02:00", "2026-04-02T00:00:00+02:00"),
        ("Yesterday", "2026-03-31T00:00:00+02:00", "2026-04-01T00:00:00+02:00"),
        ("now", "2026-04-01T15:30:00+02:00", "2026-04-01T15:30:00+02:00"),
        ("wednesday", "2026-04-01T00:00:00+02:00", "2026-04-02T00:00:00+02:00"),
        ("last wednesday", "2026-03-25T00:00:00+01:00", "2026-03-26T00:00:00+01:00"),
        ("on sunday", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),  # 23 hours
        ("this week", "2026-03-30T00:00:00+02:00", "2026-04-06T00:00:00+02:00"),
        ("last week", "2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("last month", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        ("this year", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("3 days ago", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("a week ago", "2026-03-25T00:00:00+01:00", "2026-03-26T00:00:00+01:00"),
        ("2w", "2026-03-18T00:00:00+01:00", "2026-03-19T00:00:00+01:00"),
        ("12 hours ago", "2026-04-01T03:30:00+02:00", "2026-04-01T03:30:00+02:00"),
        ("90min", "2026-04-01T14:00:00+02:00", "2026-04-01T14:00:00+02:00"),
        ("last 7 days", "2026-03-25T15:30:00+01:00", "2026-04-01T15:30:00+02:00"),
        ("2026", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2026-02", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        ("2026-2-3", "2026-02-03T00:00:00+01:00", "2026-02-04T00:00:00+01:00"),
        ("march", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        ("december", "2025-12-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
        ("12 March 2025", "2025-03-12T00:00:00+01:00", "2025-03-13T00:00:00+01:00"),
        ("mar 3rd", "2026-03-03T00:00:00+01:00", "2026-03-04T00:00:00+01:00"),
        ("2026-03-01 14:30", "2026-03-01T14:30:00+01:00", "2026-03-01T14:31:00+01:00"),
        ("2026-03-01T14:30:05Z", "2026-03-01T15:30:05+01:00", "2026-03-01T15:30:06+01:00"),
    ],
)
def test_a_text_names_a_period_of_local_time(text: str, start: str, end: str) -> None:
    found = period(text, _now())
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@pytest.mark.parametrize("text", ["", "soon", "2026-13", "2026-02-31", "31 february", "99999 years ago", "last", "5"])
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no date"):
        period(text, _now())


@given(st.text(max_size=20) | st.from_regex(r"(last )?[0-9]{1,5} ?(days|weeks|months|years|h)( ago)?", fullmatch=True))
def test_any_text_is_a_period_in_order_or_refused(text: str) -> None:
    try:
        found = period(text, _now())
    except ConfigurationError:
        return
    assert found.start <= found.end
