"""Every command counts the same files: `run`, `status`, `files` and the report, also after files and directories went,
and after a run that found nothing new.
"""

import json
import re
import shutil
from pathlib import Path

from tests.command_line import call

LINE = (
    '{"display":"do it","pastedContents":{},"timestamp":1768724512305,"project":"/home/u/code",'
    '"sessionId":"0a1b2c3d-0000-4000-8000-00000000000a"}\n'
)


def _home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "plans").mkdir(parents=True)
    (home / "history.jsonl").write_text(LINE + "no json\n")
    (home / ".credentials.json").write_text("{}")
    for session in ("a", "b", "c"):
        directory = home / "file-history" / f"0a1b2c3d-0000-4000-8000-00000000000{session}"
        directory.mkdir(parents=True)
        for name in ("0123456789abcdef@v1", "0123456789abcdef@v2"):
            (directory / name).write_text(f"{session} {name}")
    return home


def _report(data: Path) -> dict[str, dict[str, object]]:
    made: dict[str, dict[str, object]] = json.loads(call("report", "--data", data, "--format", "json").out)
    return made


def test_files_that_went_with_their_directories_are_counted_as_files_everywhere(tmp_path: Path) -> None:
    home, data = _home(tmp_path), tmp_path / "data"
    call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    for directory in sorted((home / "file-history").iterdir())[:2]:
        shutil.rmtree(directory)
    (home / ".credentials.json").unlink()
    waiting = json.loads(call("status", "--data", data, "--json").out)["homes"][0]["phases"]
    assert sum(phase["vanished_files"] for phase in waiting) == 4

    printed = json.loads(call("run", "--home", f"mine={home}", "--data", data, "--json").out)
    assert printed["total"]["files_vanished"] == printed["files_gone"] == printed["files_gone_now"] == 4
    (mine,) = json.loads(call("status", "--data", data, "--json").out)["homes"]
    assert sum(phase["expired_files"] for phase in mine["phases"]) == 4
    assert json.loads(call("files", "--data", data, "--json").out)["counts"] == {"present": 3, "expired": 4, "gone": 1}
    facts = _report(data)
    assert (facts["fixity"]["expired_now"], facts["fixity"]["expired_before"]) == (4, 0)
    assert printed["file_outcomes"]["expired"] == 4
    report = call("report", "--data", data).out
    assert "**Gone from the home:** 4 files" in report
    commands = re.findall(r"`extract ((?:files|restore) [^`]*)`", report)
    assert len(commands) == 2
    for command in commands:
        words = [str(tmp_path / "given-back") if word == "DIR" else word for word in command.split()]
        assert call(*words, "--data", data).code == 0, command
    assert len(list((tmp_path / "given-back").rglob("*@v*"))) == 6


def test_the_run_and_its_report_name_one_duration_that_includes_the_load(tmp_path: Path) -> None:
    home, data = _home(tmp_path), tmp_path / "data"
    printed = json.loads(call("run", "--home", home, "--data", data, "--json").out)
    assert printed["seconds"] == _report(data)["run"]["seconds"]
    assert printed["seconds"] >= printed["step_seconds"]["load"] > 0


def test_a_run_with_nothing_new_says_so_in_one_line_and_keeps_what_the_archive_holds_in_sight(tmp_path: Path) -> None:
    home, data = _home(tmp_path), tmp_path / "data"
    assert call("run", "--home", f"mine={home}", "--data", data).code == 4
    ran = call("run", "--home", f"mine={home}", "--data", data)
    (line,) = ran.lines
    assert "nothing new; 7 files of 1 home verified in " in line
    assert line.endswith("; 1 entry of earlier runs is in quarantine")
    assert ran.code == 4

    quiet = call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (4, "", "")

    facts = _report(data)
    assert facts["verdict"]["level"] == "rejects"
    assert facts["total"]["rejects"] == 0
    assert facts["standing"]["quarantined"] == 1
    runs = json.loads(call("sql", "--data", data, "--json", "SELECT run_id, epoch FROM runs ORDER BY epoch").out)
    assert [run["epoch"] for run in runs] == [1, 2, 3]
    assert runs[2]["run_id"] == facts["run"]["run_id"]
    status = call("status", "--data", data).out
    assert "not of the last one" not in status
    assert "1 entry in quarantine" in status


def test_every_query_in_a_report_with_nothing_new_returns_its_rows(tmp_path: Path) -> None:
    home, data = _home(tmp_path), tmp_path / "data"
    call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    call("run", "--home", f"mine={home}", "--data", data, "--phase", "file-history", "--quiet")
    call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    queries = [text.partition('"')[0] for text in call("report", "--data", data).out.split('extract sql "')[1:]]
    assert len(queries) == 2
    for query in queries:
        assert len(json.loads(call("sql", "--data", data, "--json", query).out)) == 1, query


def test_reading_everything_again_counts_an_entry_in_quarantine_once(tmp_path: Path) -> None:
    home, data = _home(tmp_path), tmp_path / "data"
    for _ in range(2):
        printed = json.loads(call("run", "--home", f"mine={home}", "--data", data, "--full", "--json").out)
        assert printed["quarantined"] == 1
