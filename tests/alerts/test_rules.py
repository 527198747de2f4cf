"""The rules of alerts: each is silent at its limit, speaks past it, and never speaks where its limit is 0."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts import rules
from pipelines.alerts.alert import Alert, AlertRule, by_urgency
from pipelines.disk.settings import Settings

NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
LIMITS = Settings()
OFF = replace(
    LIMITS,
    alert_delete_days=0,
    alert_vanished_percent=0,
    alert_overdue_days=0,
    alert_disk_percent=0,
    alert_growth_times=0,
    alert_transcript_mb=0,
    alert_file_mb=0,
)
AGES = st.lists(st.integers(0, 400), max_size=40)


def gone(ages: list[int], left: int, before: datetime = YESTERDAY) -> rules.Gone:
    """Files of these ages in days that vanished."""
    return rules.Gone("laptop", "run", [NOW - timedelta(days=age) for age in ages], left, before, NOW)


def past_a_limit(settings: Settings) -> list[Alert]:
    """Return the alerts of the rules for figures past every limit."""
    return [
        *rules.vanished(gone([1] * 9, 1), settings),
        *rules.whole_homes_gone({"laptop": "is no directory"}, ["laptop"], settings),
        *rules.expiring([rules.Unread("laptop:a", "laptop", NOW - timedelta(days=29), 5)], NOW, settings),
        *rules.overdue("home laptop was last read", "laptop", None, NOW, timedelta(days=settings.alert_overdue_days)),
        *rules.disk(1, 100, 50, settings),
        *rules.growth("run", 10**10, [1000] * 9, settings),
        *rules.large([rules.Sized("laptop:a", 10**9, True), rules.Sized("laptop:b", 10**9, False)], settings),
    ]


def test_every_limit_of_zero_turns_its_rule_off() -> None:
    assert {one.rule for one in past_a_limit(LIMITS)} == set(AlertRule) - {
        AlertRule.FIXITY,
        AlertRule.NEW_TYPES,
        AlertRule.FAILED,
    }
    assert past_a_limit(OFF) == []


def test_an_alert_is_the_same_after_json() -> None:
    for alert in past_a_limit(LIMITS):
        assert Alert.from_json(alert.to_json()) == alert
        assert alert.sentence
        assert alert.what_to_do
    with pytest.raises(ValueError, match="nonsense"):
        Alert.from_json({"rule": "nonsense", "subject": "", "sentence": "", "what_to_do": ""})


@given(ages=AGES, left=st.integers(0, 40))
def test_a_home_alerts_exactly_if_more_than_the_share_vanished_before_its_age(ages: list[int], left: int) -> None:
    early = sum(not 29 <= age <= 38 for age in ages)
    found = rules.vanished(gone(ages, left), LIMITS)
    assert bool(found) == (early * 100 > 25 * (len(ages) + left))
    for alert in found:
        assert (alert.figures["files_vanished"], alert.figures["files_before"]) == (early, len(ages) + left)


@given(left=st.integers(0, 40), pause=st.integers(1, 200))
def test_a_cleanup_by_age_never_alerts_however_long_no_run_took_place(left: int, pause: int) -> None:
    # Files that were there at the last run and are older than 30 days now: one of each age between.
    ages = list(range(30, 30 + pause))
    assert rules.vanished(gone(ages, left, NOW - timedelta(days=pause)), LIMITS) == []


def test_old_files_that_every_cleanup_had_left_are_missed_when_they_vanish() -> None:
    assert len(rules.vanished(gone([200] * 50, 50), LIMITS)) == 1


def test_a_home_that_no_run_has_read_is_not_missed() -> None:
    assert rules.whole_homes_gone({"/a/home": "is no directory"}, ["laptop"], LIMITS) == []


@given(ages=AGES)
def test_files_about_to_be_deleted_are_those_within_three_days_of_thirty(ages: list[int]) -> None:
    unread = [
        rules.Unread(f"laptop:{number}", "laptop", NOW - timedelta(days=age), 7) for number, age in enumerate(ages)
    ]
    due = [age for age in ages if age >= 27]
    found = rules.expiring(unread, NOW, LIMITS)
    assert [one.figures["files"] for one in found] == ([len(due)] if due else [])
    for alert in found:
        assert alert.figures["oldest_days"] == max(due)
        assert alert.figures["bytes"] == 7 * len(due)
        assert len(alert.names) == min(20, len(due))


@given(days=st.integers(-50, 50))
def test_what_is_late_by_more_than_is_allowed_is_overdue_and_a_clock_put_back_is_not(days: int) -> None:
    found = rules.overdue("home a was last read", "a", NOW - timedelta(days=days, seconds=1), NOW, timedelta(days=8))
    assert bool(found) == (days >= 8)


@given(free=st.integers(0, 10**13), total=st.integers(1, 10**13), warehouse=st.integers(0, 10**10))
def test_a_disk_is_nearly_full_below_five_percent_unless_it_has_plenty(free: int, total: int, warehouse: int) -> None:
    is_full = (free / total < 0.05 and free < 20 * 10**9) or free < warehouse
    assert bool(rules.disk(free, total, warehouse, LIMITS)) == is_full


@given(added=st.integers(0, 10**10), earlier=st.lists(st.integers(0, 10**9), max_size=40))
def test_growth_is_compared_with_the_usual_of_runs_that_found_something(added: int, earlier: list[int]) -> None:
    found = rules.growth("run", added, earlier, LIMITS)
    usual = sorted([one for one in earlier if one][-20:])
    if len(usual) < 5 or added < 100_000_000 or added <= 10 * usual[len(usual) // 2 - (len(usual) % 2 == 0)]:
        assert found == []
    if len(usual) >= 5 and added >= 100_000_000 and added > 10 * usual[len(usual) // 2]:
        assert len(found) == 1


@given(sizes=st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), max_size=30))
def test_each_file_past_the_limit_of_its_kind_is_named_the_largest_first(sizes: list[tuple[int, bool]]) -> None:
    files = [rules.Sized(f"laptop:{number}", size, kind) for number, (size, kind) in enumerate(sizes)]
    found = rules.large(files, LIMITS)
    assert {one.names[0] for one in found} == {
        one.address for one in files if one.size > (100 if one.is_transcript else 500) * 10**6
    }
    assert [one.figures["bytes"] for one in found] == sorted((one.figures["bytes"] for one in found), reverse=True)


def test_alerts_are_listed_once_the_most_urgent_first() -> None:
    every = [*past_a_limit(LIMITS), *rules.broken("archive", "It is damaged"), *past_a_limit(LIMITS)]
    listed = by_urgency(every)
    assert len(listed) == len(set(listed_keys := [one.key for one in listed])) == len({one.key for one in every})
    assert listed_keys
    assert listed[0].rule is AlertRule.FIXITY
    order = list(AlertRule)
    assert [order.index(one.rule) for one in listed] == sorted(order.index(one.rule) for one in listed)
