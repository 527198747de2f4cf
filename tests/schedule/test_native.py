"""Runs scheduled by the operating system: the files for each scheduler, tried where its programs are installed."""

import json
import os
import plistlib
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from models.errors import ConfigurationError
from pipelines.archive.archive import read_runs
from pipelines.disk.layout import Layout
from pipelines.lake.known import KnownLake, keep_lake
from pipelines.schedule.cron import Cron
from pipelines.schedule.launchd import Launchd
from pipelines.schedule.native import job_for, last_reads, scheduler
from pipelines.schedule.systemd import Systemd
from pipelines.schedule.timer import Every, Job, Timetable
from pipelines.schedule.windows import WindowsTask, timetable_of
from tests.command_line import Kept, call

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="cron and systemd are of other systems")
DAILY, WEEKLY = Timetable("day", 4, 0), Timetable("week", 23, 59)
TIMETABLES = pytest.mark.parametrize("timetable", [DAILY, WEEKLY], ids=["daily", "weekly"])
ODD = '/data/100% "odd" $HOME\'s \\ ü'


def job(timetable: Timetable = DAILY, data: Path = Path(ODD), home: Path = Path("/home/mira/.claude")) -> Job:
    """Return a job that prints the arguments that reach it."""
    return Job(
        (sys.executable, "-c", "import sys; print(sys.argv[1:])", str(data)), timetable, data, [home], {"VARIABLE": ODD}
    )


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a `crontab` program that acts on it as cron's own does."""
    file, program = tmp_path / "crontab-of-mira", tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ncase "$1" in\n-l) cat "{file}" 2>/dev/null || {{ echo no crontab >&2; exit 1; }};;\n'
        f'-) cat > "{file}";;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return file


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@TIMETABLES
def test_systemd_has_nothing_against_the_units(tmp_path: Path, timetable: Timetable) -> None:
    for path, content in Systemd(tmp_path).files(job(timetable)).items():
        path.write_bytes(content)
    units = [str(tmp_path / f"claude-extract.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", *units],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    # It loads the machine's other units too, and complains of some of them.
    complaints = [line for line in done.stderr.splitlines() if "claude-extract" in line]
    assert (done.returncode, done.stdout, complaints) == (0, "", [])


@TIMETABLES
def test_a_timetable_is_read_back_from_what_was_written(tmp_path: Path, timetable: Timetable, crontab: Path) -> None:
    for one in (Systemd(tmp_path), Launchd(tmp_path, tmp_path)):
        assert one.timetable() is None
        for path, content in one.files(job(timetable)).items():
            path.write_bytes(content)
        assert one.timetable() == timetable
    assert timetable_of(WindowsTask().shown(job(timetable))) == timetable
    assert timetable_of("ERROR: The system cannot find the file specified.") is None
    if sys.platform != "win32":
        assert Cron().timetable() is None
        Cron().install(job(timetable))
        assert Cron().timetable() == timetable


def test_a_systemd_run_cannot_write_in_a_home_and_is_of_low_priority(tmp_path: Path) -> None:
    (service, timer) = (content.decode() for content in Systemd(tmp_path).files(job()).values())
    assert 'ReadOnlyPaths="-/home/mira/.claude"' in service
    assert "PrivateNetwork=yes" in service
    assert "Nice=19" in service
    assert "SuccessExitStatus=4" in service
    assert "Persistent=true" in timer
    assert "100%%" in service
    assert "$$HOME" in service


def test_an_agent_of_launchd_is_a_property_list_with_the_words_as_they_are(tmp_path: Path) -> None:
    (content,) = Launchd(tmp_path, tmp_path).files(job(WEEKLY)).values()
    agent = plistlib.loads(content)
    assert agent["ProgramArguments"] == list(job().command)
    assert agent["EnvironmentVariables"] == {"VARIABLE": ODD}
    assert agent["StartCalendarInterval"] == {"Hour": 23, "Minute": 59, "Weekday": 0}
    assert agent["RunAtLoad"] is True
    assert agent["Umask"] == 0o077


def test_a_task_of_windows_is_xml_that_makes_up_for_a_missed_start() -> None:
    task = WindowsTask().task(job(WEEKLY))
    assert task.startswith(b"\xff\xfe")
    root = ElementTree.fromstring(task.decode("utf-16"))
    names = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert root.findtext(".//t:StartWhenAvailable", namespaces=names) == "true"
    assert root.findtext(".//t:Command", namespaces=names) == sys.executable
    assert root.find(".//t:Sunday", names) is not None
    arguments = root.findtext(".//t:Arguments", namespaces=names)
    assert arguments is not None
    assert arguments == subprocess.list2cmdline(job().command[1:])


@posix_only
def test_the_lines_of_cron_are_added_replaced_and_removed_and_others_stay(crontab: Path) -> None:
    crontab.write_text("0 1 * * * mine\n")
    Cron().install(job(DAILY))
    Cron().install(job(WEEKLY))
    text = crontab.read_text()
    assert text.startswith("0 1 * * * mine\n")
    assert text.count("begin") == text.count("@reboot") == 1
    Cron().remove()
    assert crontab.read_text() == "0 1 * * * mine\n"


@posix_only
def test_a_shell_gets_from_cron_the_words_as_they_are(crontab: Path) -> None:
    line = Cron().block(job()).splitlines()[1]
    # cron takes the fields of the time, and the text before the first percent sign that has no backslash.
    command = line.split(" ", 5)[5].replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == f"{[ODD]}\n"


@posix_only
def test_the_line_that_cron_is_given_reads_a_home(
    home: Path, tmp_path: Path, crontab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home))
    data = tmp_path / "data"
    assert call("schedule", "install", "--yes", "--data", data).code == 0
    line = crontab.read_text().splitlines()[1]
    command = line.split(" ", 5)[5].replace("\\%", "%")
    (tmp_path / "models").mkdir()
    bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=bare, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert [run.homes for run in read_runs(Layout(data))] == [{"home": str(home)}]
    status = call("schedule", "status", "--data", data)
    assert status.code == 0
    assert status.lines[0].startswith("cron: every day at 04:00; next run: ")
    assert "home home: last read " in status.lines[1]
    assert call("schedule", "remove").lines == ["The schedule was removed."]
    assert crontab.read_text() == ""


@posix_only
def test_what_would_be_written_is_shown_and_nothing_is_written(tmp_path: Path, crontab: Path) -> None:
    shown = call("schedule", "install", "--weekly", "--dry-run", "--data", tmp_path / "data")
    assert shown.code == 0
    assert "0 4 * * 0 nice -n 19" in shown.out
    assert "Claude Code deletes old files" in shown.out
    assert not crontab.exists()
    assert not (tmp_path / "data").exists()


@posix_only
def test_a_scheduled_run_pushes_where_the_user_wants_it_and_has_network_for_a_lake_that_needs_it(
    tmp_path: Path,
) -> None:
    layout = Layout(tmp_path / "data")
    assert job_for(layout, DAILY, {}, push=True).command[-1] == "--push"
    assert "--push" not in job_for(layout, DAILY, {}).command
    for place, is_online in ((str(tmp_path / "lake"), False), ("s3://bucket/lake", True)):
        keep_lake(layout, KnownLake(place, "an id", "private", "2026-03-02T09:00:00+00:00", "00"))
        assert job_for(layout, DAILY, {}).is_online is is_online


@posix_only
def test_nothing_is_installed_where_nobody_can_be_asked(tmp_path: Path, crontab: Path) -> None:
    ran = call("schedule", "install", "--data", tmp_path / "data")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert not crontab.exists()


@pytest.mark.parametrize("at", ["4", "24:00", "04:60", "4 pm", "-1:00"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(ConfigurationError, match="HH:MM"):
        Timetable.parse("day", at)


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        ("day", "2026-11-30 03:59", "2026-11-30 04:00"),
        ("day", "2026-11-30 04:00", "2026-12-01 04:00"),
        ("week", "2026-11-30 12:00", "2026-12-06 04:00"),
        ("week", "2026-12-06 04:00", "2026-12-13 04:00"),
    ],
)
def test_the_next_start_is_the_first_one_that_is_to_come(every: Every, now: str, expected: str) -> None:
    found = Timetable(every, 4, 0).next_after(datetime.fromisoformat(now).astimezone())
    assert found == datetime.fromisoformat(expected).astimezone()


def test_a_home_that_was_not_read_for_longer_than_the_schedule_allows_is_overdue(kept: Kept) -> None:
    layout = Layout(kept.data)
    (run,) = read_runs(layout)
    assert run.finished_at is not None
    read_at = datetime.fromisoformat(run.finished_at).astimezone(UTC)
    for timetable, days in ((DAILY, 2), (WEEKLY, 8)):
        for late, expected in ((-1, False), (1, True)):
            (one,) = last_reads(layout, timetable, read_at + timedelta(days=days, seconds=late))
            assert one.is_overdue is expected
            assert one.read_at == read_at
    (one,) = last_reads(layout, None, read_at + timedelta(days=365))
    assert one.is_overdue is False


def test_a_path_with_a_line_end_is_refused_before_it_is_written_anywhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="line end"):
        job_for(Layout(tmp_path / "two\nlines"), DAILY, {})


def test_each_system_has_its_scheduler_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    names = [scheduler(name, tmp_path, {}).name for name in ("systemd", "launchd", "cron", "windows")]
    assert names == ["systemd", "launchd", "cron", "the Task Scheduler"]
    with pytest.raises(ConfigurationError, match="use one of systemd, launchd, cron, windows"):
        scheduler("at", tmp_path, {})


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one scheduler each")
def test_on_linux_it_is_systemd_where_its_user_manager_runs(tmp_path: Path, crontab: Path) -> None:
    assert scheduler(None, tmp_path, {}).name == "cron"
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "private").touch()
    assert scheduler(None, tmp_path, {"XDG_RUNTIME_DIR": str(tmp_path)}).name == "systemd"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have their scheduler")
def test_without_a_scheduler_the_last_results_are_shown_all_the_same(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    status = call("schedule", "status", "--data", kept.data)
    assert status.code == 0
    assert status.lines[0].startswith("No schedule is installed.")
    assert status.lines[1].startswith("home mine: last read ")
    assert json.loads(call("schedule", "status", "--json", "--data", kept.data).out)["schedule"] is None
    assert call("schedule", "install", "--yes", "--data", kept.data).code == 2
