"""Which alerts are announced: each when it is new, again after some days, and again after it had ended."""

import json
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.alerts import announce
from pipelines.alerts.alert import Alert, AlertRule
from pipelines.alerts.announced import note_alerts, read_announced
from pipelines.disk.layout import Layout

NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
WEEK = timedelta(days=7)
FULL = Alert(AlertRule.DISK, "disk", "The disk is full", "Make room")
BIG = Alert(AlertRule.LARGE, "laptop:secret/plan.jsonl", "Large", "Begin anew")


def test_an_alert_is_announced_when_it_is_new_and_each_week_while_it_lasts(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    printed = [day for day in range(30) if FULL in note_alerts(layout, [FULL, BIG], NOW + timedelta(days=day), WEEK)]
    assert printed == [0, 7, 14, 21, 28]
    assert read_announced(layout)[FULL.key].raised_at == NOW.isoformat()


def test_an_alert_that_ended_is_new_when_it_comes_back(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert note_alerts(layout, [FULL], NOW, WEEK) == [FULL]
    assert note_alerts(layout, [], NOW + timedelta(hours=1), WEEK) == []
    assert note_alerts(layout, [FULL], NOW + timedelta(hours=2), WEEK) == [FULL]


def test_a_clock_that_was_in_the_future_silences_no_alert(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    note_alerts(layout, [FULL], NOW + timedelta(days=3650), WEEK)
    assert note_alerts(layout, [FULL], NOW, WEEK) == [FULL]
    assert note_alerts(layout, [FULL], NOW + timedelta(days=1), WEEK) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"alerts": {"a": 1}}'])
def test_where_the_file_is_damaged_every_alert_is_new(tmp_path: Path, content: bytes) -> None:
    layout = Layout(tmp_path)
    note_alerts(layout, [FULL], NOW, WEEK)
    layout.alerts_file.write_bytes(content)
    assert note_alerts(layout, [FULL], NOW, WEEK) == [FULL]


def test_what_is_kept_names_no_file_of_a_home(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    note_alerts(layout, [BIG], NOW, WEEK)
    assert b"plan" not in layout.alerts_file.read_bytes()
    assert "plan" not in announce.notification([BIG, FULL])
    assert announce.notification([BIG, FULL]).startswith("2 alerts: ")


def test_a_command_gets_the_summary_on_its_input_and_its_failure_is_said(tmp_path: Path) -> None:
    read = f"{shlex.quote(sys.executable)} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())' "
    file = tmp_path / "a file"
    assert announce.run_command(read + shlex.quote(str(file)), {"alerts": [FULL.to_json()]}) is None
    assert json.loads(file.read_text()) == {"alerts": [FULL.to_json()]}
    assert announce.run_command("exit 9", {}) == "the command of --on-alert ended with 9: exit 9"


def test_without_a_program_for_notifications_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert announce.notify([FULL]) is False


@pytest.mark.skipif(sys.platform != "linux", reason="the program has another name")
def test_a_notification_is_given_to_notify_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/shown"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert announce.notify([FULL]) is True
    assert "1 alert: 1 disk" in (tmp_path / "shown").read_text()
