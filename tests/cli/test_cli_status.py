"""`extract status` and `extract inventory`: the state of homes and archive, without writing anything."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from models.text import safe
from pipelines.archive.archive import writing
from pipelines.disk.layout import Layout
from tests.command_line import call, prompt


def _everything(root: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in [root, *root.rglob("*")]}


def test_status_tells_what_is_new_since_the_last_run_and_writes_nothing(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    ran = call("status", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert "Nothing is new." in ran.out
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("later"))
    (home / "plans" / "b-plan.md").write_bytes(b"# B")
    (home / "plans" / "a-plan.md").unlink()
    before = _everything(tmp_path)
    ran = call("status", "--data", data)
    assert f"new or changed: 2 files, {len(prompt('later')) + 3} B to read" in ran.out
    assert "1 file gone from the home and archived, 1 since the last run" in ran.out
    assert next(line for line in ran.lines if line.startswith("todos ")).split()[-4:] == ["1", "0", "3", "B"]
    assert max(len(line) for line in ran.lines if not line.startswith(("home ", "next: ", str(tmp_path)))) <= 80
    output = json.loads(call("status", "--data", data, "--json").out)
    (mine,) = output["homes"]
    assert (mine["home_id"], mine["root"], mine["problem"]) == ("mine", str(home), None)
    assert mine["phases"][0]["watermark"] == (home / "history.jsonl").stat().st_size - len(prompt("later"))
    assert output["store_bytes"] == sum(path.stat().st_size for path in (data / "store").rglob("*.parquet"))
    assert output["table_bytes"] == sum(path.stat().st_size for path in (data / "tables").rglob("*.parquet"))
    assert output["warehouse_bytes"] == (data / "warehouse.duckdb").stat().st_size
    assert _everything(tmp_path) == before


def test_a_home_that_is_not_here_now_is_shown_as_it_was_last_seen(home: Path, tmp_path: Path) -> None:
    call("run", "--home", f"mine={home}", "--data", tmp_path / "data", "--quiet")
    shutil.rmtree(home)
    ran = call("status", "--data", tmp_path / "data")
    assert ran.code == 0
    assert "(not here now)" in ran.out


def test_the_remains_of_a_killed_run_and_the_writer_are_named(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    call("run", "--home", home, "--data", data, "--quiet")
    (data / "staging" / "20260101T000000Z-abcdef").mkdir()
    assert "a run was killed; the next one removes its staged files" in call("status", "--data", data).out
    with writing(Layout(data), "the other run"):
        assert f"being written to: pid {os.getpid()}, the other run, since" in call("status", "--data", data).out


def test_status_of_nothing_names_the_next_command(tmp_path: Path) -> None:
    ran = call("status", "--data", tmp_path / "data")
    assert ran.code == 2
    assert "`extract run` makes one" in ran.err
    assert not (tmp_path / "data").exists()


def test_an_inventory_needs_no_data_directory_and_names_every_rule(home: Path, tmp_path: Path) -> None:
    before = _everything(tmp_path)
    ran = call("inventory", "--home", home, "--data", tmp_path / "data")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0].startswith(f"{home}: 7 files")
    assert any(line.split()[:2] == ["credentials", "1"] and "Login tokens" in line for line in ran.lines)
    assert any(line.split()[:2] == ["plugin-tree", "1"] for line in ran.lines)
    assert any(line.split()[:3] == ["1", "history", "1"] for line in ran.lines)
    assert max(map(len, ran.lines[1:])) <= 80
    assert _everything(tmp_path) == before


def test_an_inventory_as_json_lists_every_path_and_escapes_hostile_ones(home: Path) -> None:
    ran = call("inventory", "--home", home, "--json", "--sha256")
    (output,) = json.loads(ran.out)["homes"]
    items = {item["path"]: item for item in output["paths"]}
    digest = hashlib.sha256((home / "history.jsonl").read_bytes()).hexdigest()
    assert items["history.jsonl"]["sha256"] == digest
    assert "sha256" not in items[".credentials.json"]
    assert "sha256" not in items["plugins/cache/x/index.js"]
    assert items[r"odd/\x1b[31m\xff\x0aname\\.txt"]["type"] == "file"
    assert safe(ran.out, keep_newlines=True) == ran.out


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")
def test_a_manifest_is_what_sha256sum_takes(home: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.txt"
    assert call("inventory", "--home", home, "--manifest", manifest).code == 0
    printed = call("inventory", "--home", home, "--sha256").raw
    assert printed == manifest.read_bytes()
    check = ["sha256sum", "-c", "--strict", "--quiet", str(manifest)]
    assert subprocess.run(check, cwd=home, capture_output=True, check=False).returncode == 0
    assert len(printed.splitlines()) == 5
    with (home / "history.jsonl").open("ab") as file:
        file.write(b"x")
    assert subprocess.run(check, cwd=home, capture_output=True, check=False).returncode == 1


def test_digests_on_a_terminal_obey_nothing(home: Path) -> None:
    ran = call("inventory", "--home", home, "--sha256", show="terminal")
    assert "\x1b[31m" not in ran.out
    assert "\\x1b[31m\\xff" in ran.out


def test_a_manifest_is_never_written_into_a_home_nor_of_two_at_once(home: Path, tmp_path: Path) -> None:
    (tmp_path / "door").symlink_to(home, target_is_directory=True)
    before = _everything(home)
    for place in (
        home / "m.txt",
        home / "plans" / "m.txt",
        tmp_path / "door" / "m.txt",
        home / ".." / "home" / "m.txt",
    ):
        ran = call("inventory", "--home", home, "--manifest", place)
        assert ran.code == 2
        assert "extract never writes to a home" in ran.err
    assert _everything(home) == before
    shutil.copytree(home, tmp_path / "second")
    assert call("inventory", "--home", home, "--home", tmp_path / "second", "--sha256").code == 2
    assert call("inventory", "--home", home, "--home", tmp_path / "second").code == 0


def test_a_rule_of_the_settings_is_kept_to_and_named(home: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.toml").write_text('withhold = ["odd/**"]\n')
    ran = call("inventory", "--home", home, "--data", tmp_path / "data", "--json", "--sha256")
    (output,) = json.loads(ran.out)["homes"]
    (odd,) = [item for item in output["paths"] if item["path"].startswith("odd/")]
    assert (odd["treatment"], odd["rule"]) == ("withhold", "settings:odd/**")
    assert "sha256" not in odd
