"""`extract run`: its output, the arguments that it refuses, and its exit codes."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from models.errors import ExitCode
from pipelines.archive.archive import writing
from pipelines.disk.layout import Layout
from tests.command_line import call, prompt, start
from tests.support import FIXTURES


def _tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in [root, *root.rglob("*")]
    }


def test_a_run_tells_by_source_what_it_found_and_where_everything_is(home: Path, tmp_path: Path) -> None:
    ran = call("run", "--home", home, "--data", tmp_path / "data")
    assert (ran.code, ran.err) == (0, "")
    table = ran.lines[ran.lines.index("") + 1 :]
    assert table[0].split() == ["source", "files", "read", "entries", "rows", "messages", "duplicates", "rejects"]
    by_source = {line.split()[0]: line.split()[1:] for line in table[1 : table.index("")]}
    assert by_source["history"][:3] == ["1", "1", "3"]
    assert by_source["total"][0] == "7"
    with_paths = ("home ", "warehouse: ", "report: ", "next: ", "      extract ")
    assert all(len(line) <= 80 for line in ran.lines if not line.startswith(with_paths))
    assert "1 withheld" in ran.out
    assert (tmp_path / "data" / "warehouse.duckdb").exists()


def test_the_numbers_of_a_large_run_still_fit_eighty_columns() -> None:
    from models.run import SourceCounts
    from pipelines.cli.console import Heading, lay_out
    from pipelines.cli.run_summary import numbers

    large = SourceCounts(
        files_found=99_999, files_read=99_999, entries=9_999_999, rows=99_999_999, messages_new=9_999_999,
        messages_duplicate=9_999_999, rejects=9_999,
    )  # fmt: skip
    heads = [Heading("source"), *(Heading(name, "number") for name in ("files", "read", "entries", "rows", "messages"))]
    heads += [Heading("duplicates", "number"), Heading("rejects", "number")]
    assert max(map(len, lay_out(heads, [["shell-snapshots", *numbers(large)]], 80))) <= 80


def test_a_run_says_all_that_is_not_as_it_should_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from models.errors import ExitCode
    from models.run import PhaseRecord, RunRecord
    from pipelines.cli.run_summary import show_summary
    from pipelines.report.write import collect_facts
    from pipelines.run.pipeline import RunResult

    at = "2026-01-01T00:00:00+00:00"
    run = RunRecord("20260101T000000Z-abcdef", 1, "complete", at, at, "1", False, {"mine": "/home"})
    outcomes = {"intact": 3, "corrupt": 1, "unreadable": 2}
    run.phases.append(PhaseRecord("mine", 1, at, 0.0, [], {}, outcomes, {"not_json": 3}))
    finished = RunResult(run, ExitCode.FIXITY, collect_facts(Layout(tmp_path), run))
    show_summary(Layout(tmp_path), finished, None, as_json=False, quiet=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "Run 20260101T000000Z-abcdef: done in 0.0 s",
        "FIXITY IS BROKEN: 1 file changed in content, but not in size and times",
        "2 files could not be read",
        "3 entries could not be parsed and went to quarantine",
    ]
    show_summary(Layout(tmp_path), finished, None, as_json=False, quiet=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "FIXITY IS BROKEN" in captured.err


def test_json_is_one_document_and_nothing_else_is_printed(home: Path, tmp_path: Path) -> None:
    ran = call("run", "--home", f"mine={home}", "--data", tmp_path / "data", "--json")
    printed = json.loads(ran.out)
    assert (printed["exit_code"], printed["status"], printed["homes"]) == (0, "complete", {"mine": str(home)})
    assert printed["total"]["files_found"] == 7
    assert Path(printed["report"]).exists()
    assert ran.err == ""


def test_a_quiet_run_says_nothing_unless_something_is_not_as_it_should_be(home: Path, tmp_path: Path) -> None:
    ran = call("run", "--home", home, "--data", tmp_path / "data", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    with (home / "history.jsonl").open("ab") as file:
        file.write(b"no json\n")
    ran = call("run", "--home", home, "--data", tmp_path / "data", "--quiet")
    assert (ran.code, ran.out) == (4, "")
    assert "1 entry could not be parsed" in ran.err


def test_a_second_run_adds_nothing(home: Path, tmp_path: Path) -> None:
    call("run", "--home", home, "--data", tmp_path / "data")
    printed = json.loads(call("run", "--home", home, "--data", tmp_path / "data", "--json").out)
    assert (printed["total"]["files_read"], printed["total"]["rows"], printed["total"]["messages_new"]) == (0, 0, 0)


def test_all_that_is_written_is_for_its_owner_alone(home: Path, tmp_path: Path) -> None:
    os.umask(0o022)
    call("run", "--home", home, "--data", tmp_path / "data")
    for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(home: Path, tmp_path: Path) -> None:
    ran = call("run", "--home", home, "--data", tmp_path / "data", "--dry-run")
    assert ran.code == 0
    assert not (tmp_path / "data").exists()
    assert next(line for line in ran.lines if line.startswith("1 history")).split()[2:6] == ["1", "0", "0", "0"]
    assert all(len(line) <= 80 for line in ran.lines[1:])
    call("run", "--home", home, "--data", tmp_path / "data")
    before = _tree(tmp_path)
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("later"))
    (home / "plans" / "a-plan.md").unlink()
    changed = _tree(home)
    printed = json.loads(call("run", "--home", home, "--data", tmp_path / "data", "--dry-run", "--json").out)
    phases = {phase["phase"]: phase for phase in printed["phases"]}
    assert (phases[1]["changed"], phases[1]["bytes_new"]) == (1, len(prompt("later")))
    assert (phases[4]["vanished"], phases[2]["unchanged"], phases[8]["withheld"]) == (1, 1, 1)
    assert {**before, **changed} == {
        **_tree(tmp_path),
        **{path: before[path] for path in before.keys() - _tree(tmp_path).keys()},
    }


def test_the_tree_of_claude_desktop_is_a_home(tmp_path: Path) -> None:
    ran = call("run", "--home", FIXTURES / "desktop", "--data", tmp_path / "data")
    assert ran.code == ExitCode.VERIFIED


def test_a_run_without_a_home_says_where_it_looked(tmp_path: Path) -> None:
    ran = call("run", "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (2, "")
    assert str(tmp_path / "nobody" / ".claude") in ran.err
    assert "extract demo" in ran.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("separator", [",", os.pathsep, " , "])
def test_the_variable_of_claude_code_may_name_several_homes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    shutil.copytree(home, tmp_path / "second")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{home}{separator}{tmp_path / 'second'}")
    printed = json.loads(call("run", "--data", tmp_path / "data", "--json", "--phase", "1").out)
    assert printed["homes"] == {"home": str(home), "second": str(tmp_path / "second")}
    assert printed["total"]["messages_duplicate"] == 3


def test_the_variable_may_name_one_directory_with_a_comma_in_its_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = home.rename(tmp_path / "a,b")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(odd))
    printed = json.loads(call("run", "--data", tmp_path / "data", "--json", "--phase", "1").out)
    assert list(printed["homes"].values()) == [str(odd)]


@pytest.mark.parametrize("phases", [["1", "4"], ["history", "plans"], ["todos", "history"]])
def test_phases_are_chosen_by_number_or_by_the_name_of_a_source(home: Path, tmp_path: Path, phases: list[str]) -> None:
    options = [word for phase in phases for word in ("--phase", phase)]
    printed = json.loads(call("run", "--home", home, "--data", tmp_path / "data", "--json", *options).out)
    assert [phase["phase"] for phase in printed["phases"]] == [1, 4]


def test_mistakes_of_the_user_end_with_two_and_one_plain_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "other" / ".claude").mkdir(parents=True)
    (tmp_path / "other" / "letters").mkdir()
    mistakes: list[tuple[list[str | Path], str]] = [
        (["--home", home, "--phase", "nine"], "There are 1 history, 2 debug"),
        (["--home", tmp_path / "gone"], "no home at"),
        (["--home", tmp_path / "file"], "no home at"),
        (["--home", tmp_path / "other"], f"did you mean {tmp_path / 'other' / '.claude'}?"),
        (["--home", home, "--home", home], "is given twice"),
        (["--home", home, "--data", home / "data"], "must not contain one another"),
        (["--home", home, "--data", tmp_path / "file"], "is a file"),
        (["--home", home, "--dry-run", "--data", home / "data"], "must not contain one another"),
    ]
    for arguments, printed in mistakes:
        ran = call("run", "--data", tmp_path / "data", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert printed in ran.err
        assert ran.err.startswith("extract: ")
        assert len(ran.err.splitlines()) == 1
        assert not (tmp_path / "data").exists()
        assert not (home / "data").exists()


def test_a_setting_that_is_not_known_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.toml").write_text("witholds = []\n")
    ran = call("run", "--home", home, "--data", tmp_path / "data")
    assert ran.code == 2
    assert "unknown setting 'witholds'" in ran.err


def test_a_data_directory_that_cannot_be_made_ends_with_twelve(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    ran = call("run", "--home", home, "--data", tmp_path / "file" / "data")
    assert ran.code == 12
    assert "the data directory cannot be used" in ran.err


def test_a_run_beside_another_one_ends_with_eleven_and_says_who_writes(home: Path, tmp_path: Path) -> None:
    with writing(Layout(tmp_path / "data"), "the other run"):
        ran = call("run", "--home", home, "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (11, "")
    assert f"pid {os.getpid()}, run the other run" in ran.err


@pytest.mark.parametrize(("kind", "debug", "code"), [("raise", "", 1), ("raise", "1", 1), ("enospc", "", 12)])
def test_a_failure_is_one_line_and_a_traceback_only_on_request(
    home: Path, tmp_path: Path, kind: str, debug: str, code: int
) -> None:
    armed = {"EXTRACT_FAIL_AT": f"part:before-fsync={kind}", "EXTRACT_DEBUG": debug}
    ran = start("run", "--home", home, "--data", tmp_path / "data", env=armed)
    assert (ran.code, ran.out) == (code, "")
    assert ("Traceback" in ran.err) == bool(debug)
    assert len(ran.err.splitlines()) == 1 or debug


def test_on_a_terminal_the_way_of_a_run_is_drawn_on_standard_error(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Draw at once: else the first phases are over before the bar is due, or not, as the machine is fast or slow.
    monkeypatch.setattr("pipelines.cli.progress._AFTER", -1.0)
    ran = call("run", "--home", home, "--data", tmp_path / "data", show="terminal")
    assert "home: history" in ran.err
    assert "building the warehouse" in ran.err
    assert "home: history" not in ran.out


def test_a_demo_is_made_and_run_on_and_never_mixed_with_real_homes(tmp_path: Path, home: Path) -> None:
    ran = call("demo", tmp_path / "demo", "--mb", "0.2", "--data", tmp_path / "data")
    assert ran.code in (0, 4)
    assert "planted on purpose" in ran.out
    assert "extract status --data" in ran.out
    again = call("demo", tmp_path / "demo", "--data", tmp_path / "data")
    assert again.code == 2
    assert "exists" in again.err


def test_a_demo_is_refused_an_archive_of_other_homes_that_was_not_named(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call("run", "--home", home, "--quiet")
    ran = call("demo", "--mb", "0.2")
    assert ran.code == 2
    assert "--data demo-data" in ran.err
    sample = Layout.of(None).demo
    assert sample.is_relative_to(tmp_path)
    assert not sample.exists()
    assert call("demo", "--mb", "0.2", "--no-run").code == 0
    assert sample.exists()
