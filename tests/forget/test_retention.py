"""`extract retention`: the files deleted by their age, the files that stay, and that nothing else changes."""

import json
import os
import time
from pathlib import Path

import pytest

from pipelines.archive.archive import read_runs
from pipelines.archive.tombstones import read_graveyard
from pipelines.disk.layout import Layout
from tests.command_line import call
from tests.forgetting import ONE, TWO, put, record, values, work

LOG = "2026-01-23T16:46:29.314Z [DEBUG] {}\n"
RULE = '[[retention]]\nsource = "debug"\ndays = 365\n'
OLD, AT_HOME, YOUNG = (f"debug/{name}.txt" for name in (ONE, TWO, "0" * 8 + ONE[8:]))
TALK = f"projects/-p/{ONE}.jsonl"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two runs over a home that lost two logs and a transcript between them, with a rule, a copy and a
    lake.
    """
    place = tmp_path_factory.mktemp("retention")
    home, data = place / "home", place / "data"
    for path, text in ((OLD, "old"), (AT_HOME, "at home"), (YOUNG, "young")):
        put(home, path, LOG.format(text) * 3)
    put(home, TALK, record("a question", 1))
    os.utime(home / YOUNG, (time.time() - 86_400,) * 2)
    work(data, home)
    for path in (OLD, YOUNG, TALK):
        (home / path).unlink()
    put(home, "history.jsonl", "")
    work(data, home)
    (data / "settings.toml").write_text(RULE)
    assert call("copy", "add", place / "copy", "--data", data).code == 0
    assert call("lake", "init", place / "lake", "--data", data).code == 0
    assert call("lake", "push", "--data", data).code == 0
    return place


def test_without_rules_nothing_is_deleted(tmp_path: Path) -> None:
    put(tmp_path / "home", OLD, LOG.format("old"))
    work(tmp_path / "data", tmp_path / "home")
    (tmp_path / "home" / OLD).unlink()
    work(tmp_path / "data", tmp_path / "home")
    shown = call("retention", "--yes", "--data", tmp_path / "data")
    assert (shown.code, "There are no rules" in shown.out) == (0, True)
    assert call("files", "--data", tmp_path / "data", "--json").out.count(OLD) == 1


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (RULE.replace("365", "7"), "a number from 30"),
        (RULE.replace("debug", "debugs"), "no source 'debugs'"),
        (RULE + 'home = "yours"\n', "no home 'yours'"),
        ('retention = ["debug"]\n', "must be tables [[retention]]"),
    ],
)
def test_a_wrong_rule_is_named_and_nothing_is_deleted(rules: str, named: str, place: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    work(data, place / "home")
    (data / "settings.toml").write_text(rules)
    refused = call("retention", "--yes", "--data", data)
    assert (refused.code, named in refused.err) == (2, True)


def test_what_is_old_and_gone_goes_and_all_else_stays(place: Path) -> None:
    data, copy = place / "data", place / "copy"
    before = {run.run_id: run.revision for run in read_runs(Layout(data))}
    shown = json.loads(call("retention", "--data", data, "--json").out)
    (rule,) = shown["rules"]
    assert (shown["done"], shown["files"], rule["in_home"], shown["paths"]) == (False, 1, 1, [f"mine:{OLD}"])
    assert {run.run_id: run.revision for run in read_runs(Layout(data))} == before
    done = call("retention", "--yes", "--data", data)
    assert (done.code, done.err) == (0, "")
    assert "1 file deleted" in done.out
    for directory in (data, copy, place / "lake"):
        assert [where for where, value in values(directory) if b"[DEBUG] old" in value] == []
    assert call("verify", "--deep", "--data", data).code == 0
    assert call("copy", "verify", copy, "--data", data).code == 0
    first = next(iter(before))
    assert call("restore", "--as-of", first, "--to", place / "restored", "--data", data).code == 0
    reports = [path.read_text() for path in data.glob("runs/*/report.md")]
    assert [("Deleted by their age" in text, "debug: over 365 days" in text) for text in reports] == [(True, True)] * 2
    restored = {path.relative_to(place / "restored").as_posix() for path in (place / "restored").rglob("*.*")}
    assert restored == {AT_HOME, YOUNG, TALK}
    assert (place / "restored" / TALK).read_text() == record("a question", 1)
    assert "retention" in call("forget", "--list", "--data", data).out
    graveyard = read_graveyard(Layout(data))
    assert graveyard is not None
    (stone,) = graveyard.tombstones
    assert (stone.reason, stone.paths, stone.message_ids) == ("debug: over 365 days", [], [])
    again = json.loads(call("retention", "--yes", "--data", data, "--json").out)
    assert (again["done"], again["files"]) == (False, 0)


def test_a_file_that_comes_back_is_read_again(place: Path) -> None:
    data, home = place / "data", place / "home"
    put(home, OLD, LOG.format("old") * 3)
    work(data, home)
    assert call("restore", "--to", place / "again", "--data", data).code == 0
    assert (place / "again" / OLD).read_text() == LOG.format("old") * 3
    assert call("verify", "--deep", "--data", data).code == 0
