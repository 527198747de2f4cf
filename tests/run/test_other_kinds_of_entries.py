"""A file, pipe or link in the place of another kind of entry of the data directory ends no command with a fault."""

import json
import os
import shutil
from pathlib import Path

import pytest

from models.errors import ExitCode
from tests.archives import HOME, Archive
from tests.command_line import Ran, call
from tests.repairing import lost_in_the_home


@pytest.fixture
def archive(made_archive: Archive, tmp_path: Path) -> Archive:
    return made_archive.copy(tmp_path)


def _run(archive: Archive, *options: str) -> Ran:
    return call("run", "--home", f"{HOME}={archive.home}", "--data", archive.layout.root, "--phase", "8", *options)


def _called(archive: Archive, *command: str) -> int:
    return call(*command, "--data", archive.layout.root).code


def test_files_in_the_place_of_directories_are_set_aside_and_named(archive: Archive, tmp_path: Path) -> None:
    data = archive.layout.root
    for name in ("staging", f"store/home={HOME}", "copies/runs"):
        shutil.rmtree(data / name)
        (data / name).write_bytes(b"x")
    (data / "quarantine").write_bytes(b"x")
    (data / "writer.lock").unlink()
    (data / "writer.lock").mkdir()
    ran = _run(archive, "--json")
    assert ran.code == ExitCode.FIXITY
    aside = {one["path"] for one in json.loads(ran.out)["damage"] if "in the place of a directory" in one["problem"]}
    assert aside == {"staging", "copies/runs", f"store/home={HOME}"}
    shutil.rmtree(data / "runs")
    (data / "runs").write_bytes(b"x")
    assert _called(archive, "repair", "--yes") in (0, ExitCode.INCOMPLETE)
    assert _called(archive, "verify", "--deep") == 0
    assert (data / "quarantine/runs.file").read_bytes() == b"x"
    assert lost_in_the_home(archive, tmp_path / "back") == []


def test_a_link_to_a_directory_that_is_not_there_is_refused_and_kept(archive: Archive) -> None:
    store, away = archive.layout.store, archive.home.parent / "away"
    store.rename(away)
    store.symlink_to(archive.home.parent / "unmounted")
    ran = _run(archive)
    assert "is a link to" in ran.err
    assert ran.code == ExitCode.DISK
    away.rename(archive.home.parent / "unmounted")
    assert _run(archive).code == ExitCode.REJECTS


def test_a_pipe_in_the_place_of_a_file_beside_the_records_is_waited_for_by_no_command(archive: Archive) -> None:
    layout = archive.layout
    for path in (layout.ignore_file, layout.settings_file, *layout.digest_indexes(), layout.lock_file):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    ran = _run(archive)
    assert "settings.toml cannot be read: not a regular file" in ran.err
    assert ran.code == ExitCode.USAGE
    assert _called(archive, "verify", "--quick") == 1
    assert _called(archive, "repair", "--yes") == 0
    assert _called(archive, "status") == 0
    assert _called(archive, "verify") == 0
    assert _run(archive).code == ExitCode.REJECTS
