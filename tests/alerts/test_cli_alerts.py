"""Alerts as a user meets them: after runs over a home that loses files, in status, the report, JSON and exit codes."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import ExitCode
from models.seal import unsealed
from pipelines.archive.archive import commit, read_runs, writing
from pipelines.disk.layout import Layout
from tests.command_line import Kept, call, make_home


def copied(kept: Kept, where: Path, *settings: str) -> Kept:
    """Return a copy of a home and its archive, with settings."""
    home, data = where / "home", where / "data"
    shutil.copytree(kept.home, home, symlinks=True)
    shutil.copytree(kept.data, data, symlinks=True)
    (data / "settings.toml").write_text("\n".join(settings), encoding="utf-8")
    return Kept(home, data)


@pytest.fixture(scope="module")
def purged(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, Path, str]:
    """An archive whose home lost most of its files before a run, the input of the user's command, and the output of the
    run.
    """
    where = tmp_path_factory.mktemp("purged")
    found = copied(kept, where)
    for name in ("debug", "todos", "plans", "odd"):
        shutil.rmtree(found.home / name)
    printed = where / "printed.json"
    run = call("run", "--home", f"mine={found.home}", "--data", found.data, "--quiet", "--on-alert", f"cat > {printed}")
    assert run.code == ExitCode.ALERT
    return found, printed, run.err


def test_a_home_that_lost_its_files_ends_the_run_with_6_and_tells_the_command(
    purged: tuple[Kept, Path, str],
) -> None:
    found, printed, said = purged
    summary = json.loads(printed.read_text())
    (alert,) = summary["alerts"]
    (run,) = read_runs(Layout(found.data))[-1:]
    assert (alert["rule"], alert["subject"], summary["run_id"]) == ("vanished", "mine", run.run_id)
    assert alert["figures"] == {"files_vanished": 4, "files_before": 5, "vanished_percent": 80}
    assert alert["announced"] is True
    assert "\nALERT vanished: 4 of 5 files of home mine (80 %) vanished" in f"\n{said}"


def test_an_alert_is_in_the_report_the_status_and_the_list_of_alerts(purged: tuple[Kept, Path, str]) -> None:
    found, _, _ = purged
    layout = Layout(found.data)
    (run,) = read_runs(layout)[-1:]
    for form in ("json", "md", "html"):
        assert b"(80 %) vanished" in unsealed(layout.report(run.run_id, form).read_bytes(), f".{form}")
    status = call("status", "--data", found.data)
    assert status.code == 0
    assert any(line.startswith("ALERT vanished: 4 of 5 files") for line in status.lines)
    assert [one["rule"] for one in json.loads(call("status", "--json", "--data", found.data).out)["alerts"]] == [
        "vanished"
    ]
    listed = call("alerts", "--data", found.data)
    assert listed.code == ExitCode.ALERT
    assert listed.lines[0] == "1 alert"
    assert "extract restore" in " ".join(listed.lines)


def test_the_same_alert_is_announced_once_and_still_shown(purged: tuple[Kept, Path, str], tmp_path: Path) -> None:
    found = copied(purged[0], tmp_path)
    again = call("run", "--home", f"mine={found.home}", "--data", found.data, "--on-alert", f"cat > {tmp_path}/printed")
    assert again.code == 0
    assert not (tmp_path / "printed").exists()
    assert "ALERT vanished" in again.out


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A home that its archive still finds where it was read."""
    where = tmp_path_factory.mktemp("here")
    found = Kept(make_home(where / "home"), where / "data")
    assert call("run", "--home", f"mine={found.home}", "--data", found.data, "--quiet").code == 0
    return found


def test_files_that_no_run_has_read_are_named_before_claude_code_deletes_them(here: Kept) -> None:
    old = (datetime.now(UTC) - timedelta(days=28)).timestamp()
    for name in ("plans/forgotten.md", "CLAUDE.md"):
        (here.home / name).write_text("# never read\n")
        os.utime(here.home / name, (old, old))
    listed = call("alerts", "--json", "--data", here.data)
    assert listed.code == ExitCode.ALERT
    (alert,) = json.loads(listed.out)["alerts"]
    assert (alert["rule"], alert["names"]) == ("expiring", ["mine:plans/forgotten.md"])
    assert alert["figures"] == {"files": 1, "bytes": 13, "oldest_days": 28}
    for name in ("plans/forgotten.md", "CLAUDE.md"):
        (here.home / name).unlink()


def test_a_whole_home_that_vanished_is_announced_even_if_there_is_nothing_to_read(here: Kept, tmp_path: Path) -> None:
    here.home.rename(tmp_path / "away")
    try:
        run = call("run", "--data", here.data, "--quiet", "--on-alert", f"cat > {tmp_path}/printed")
        assert run.code == ExitCode.USAGE
        (alert,) = json.loads((tmp_path / "printed").read_text())["alerts"]
        assert (alert["rule"], alert["subject"]) == ("vanished", "mine")
        (shown,) = json.loads(call("alerts", "--json", "--data", here.data).out)["alerts"]
        assert shown["sentence"] == alert["sentence"]
        assert shown["raised_at"] == alert["raised_at"]
    finally:
        (tmp_path / "away").rename(here.home)


def test_large_transcripts_and_files_are_named(kept: Kept, tmp_path: Path) -> None:
    found = copied(kept, tmp_path, "alert_transcript_mb = 1", "alert_file_mb = 2")
    (found.home / "projects/-p").mkdir(parents=True)
    (found.home / "projects/-p/long.jsonl").write_bytes(b'{"type":"x"}\n' * 90_000)
    (found.home / "plans/large.md").write_bytes(b"#" * 2_100_000)
    run = call("run", "--home", f"mine={found.home}", "--data", found.data, "--json", "--on-alert", "true")
    assert run.code == ExitCode.ALERT
    alerts = {one["rule"]: one for one in json.loads(run.out)["alerts"]}
    names = [one["names"] for one in json.loads(run.out)["alerts"] if one["rule"] == "large"]
    assert names == [["mine:plans/large.md"], ["mine:projects/-p/long.jsonl"]]
    assert alerts["new-types"]["names"] == ["projects: x"]


def test_a_home_that_was_not_read_for_days_is_overdue(kept: Kept, tmp_path: Path) -> None:
    found = copied(kept, tmp_path)
    layout = Layout(found.data)
    (run,) = read_runs(layout)
    ago = (datetime.now(UTC) - timedelta(days=12)).isoformat()
    run.started_at = run.finished_at = ago
    with writing(layout, "test"):
        commit(layout, run)
    listed = call("alerts", "--json", "--data", found.data)
    assert listed.code == ExitCode.ALERT
    (alert,) = json.loads(listed.out)["alerts"]
    assert (alert["rule"], alert["figures"]) == ("overdue", {"days": 12, "allowed_days": 8})
    late = call("run", "--home", f"mine={found.home}", "--data", found.data, "--json")
    assert late.code == 0, "a person reads the output of a run without --on-alert, --notify and --unattended"
    assert "was last read 12 days ago" in json.loads(late.out)["alerts"][0]["sentence"]


def test_without_alerts_the_exit_code_is_0(kept: Kept) -> None:
    listed = call("alerts", "--data", kept.data)
    assert (listed.code, listed.lines) == (0, ["No alert."])
