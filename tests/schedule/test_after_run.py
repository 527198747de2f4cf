"""A scheduled run is followed by the rotating check and the sync of every copy, and by an alert where one fails."""

import json
import shutil
from pathlib import Path

import pytest

from models.errors import ExitCode
from pipelines.archive.archive import writing
from pipelines.archive.checks_file import read_past_checks
from pipelines.archive.known_copies import read_known_copies
from pipelines.disk.layout import Layout
from tests.command_line import Kept, Ran, call, make_home


def unattended(data: Path, *options: str) -> Ran:
    """Do the scheduled command over the one home."""
    return call("run", "--home", "mine", "--unattended", "--data", data, *options)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A home, an archive of it, and a copy at another place, all by the command of the schedule."""
    where = tmp_path_factory.mktemp("unattended")
    found = Kept(make_home(where / "home"), where / "data")
    call("run", "--home", f"mine={found.home}", "--data", found.data, "--quiet")
    assert call("copy", "add", where / "copy", "--data", found.data).code == 0
    done = unattended(found.data)
    assert (done.code, done.out, done.err) == (0, "", "")
    return found


def test_a_scheduled_run_checks_a_share_and_syncs_the_copy(copied: Kept) -> None:
    layout = Layout(copied.data)
    (known,) = read_known_copies(layout)
    assert known.problem is None
    assert known.run_id == max(path.name for path in layout.runs.iterdir())
    assert len(read_past_checks(layout).slots) == 7


def test_a_copy_that_cannot_be_reached_is_an_alert_and_keeps_no_run_from_its_end(copied: Kept, tmp_path: Path) -> None:
    (known,) = read_known_copies(Layout(copied.data))
    shutil.move(known.place, tmp_path / "unplugged")
    try:
        done = call(
            "run", "--home", "mine", "--unattended", "--data", copied.data, "--on-alert", f"cat > {tmp_path}/printed"
        )
        assert done.code == ExitCode.DISK
        assert "was not synced" in done.err
        (alert,) = json.loads((tmp_path / "printed").read_text())["alerts"]
        assert (alert["rule"], alert["subject"]) == ("failed", f"copy {known.place}")
    finally:
        shutil.move(tmp_path / "unplugged", known.place)


def test_a_run_that_fails_is_an_alert(copied: Kept, tmp_path: Path) -> None:
    layout = Layout(copied.data)
    held = layout.archive_file.read_bytes()
    layout.settings_file.write_text("no_such_setting = 1\n")
    try:
        done = call(
            "run", "--home", "mine", "--unattended", "--data", copied.data, "--on-alert", f"cat > {tmp_path}/printed"
        )
        assert done.code == ExitCode.USAGE
        (alert,) = json.loads((tmp_path / "printed").read_text())["alerts"]
        assert (alert["rule"], alert["subject"]) == ("failed", "run")
        assert "no_such_setting" in alert["sentence"]
    finally:
        layout.settings_file.unlink()
    assert layout.archive_file.read_bytes() == held


def test_of_two_schedulers_at_once_the_second_waits_for_its_next_turn_without_an_alert(
    copied: Kept, tmp_path: Path
) -> None:
    with writing(Layout(copied.data), "the other scheduler"):
        done = unattended(copied.data, "--on-alert", f"cat > {tmp_path}/printed")
    assert done.code == ExitCode.LOCKED
    assert not (tmp_path / "printed").exists()
