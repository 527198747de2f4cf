"""A month of scheduled runs, with accidents: at its end the copy alone has every day's home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT


@pytest.mark.soak
def test_a_month_with_two_accidents_a_full_and_a_lost_disk_is_restored_from_the_copy_alone(tmp_path: Path) -> None:
    runs = os.environ.get("SOAK_RUNS", "30")
    command = [sys.executable, "-W", "ignore", "-m", "tests.month_driver", str(tmp_path), runs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    events, codes, alerts = list(said["events"].values()), said["codes"], said["alerts"]
    assert sorted(events) == ["accident", "accident", "back", "full", "lost", "off"]
    assert codes.count(12) == 1, codes
    assert set(codes) == {0, 6, 12}
    raised = [rule for some in alerts for rule in some]
    assert raised.count("failed") == 1
    assert "overdue" in raised
    assert raised.count("vanished") >= 2
    assert said["states"] == int(runs)
    assert said["deep_check"] == 0
    print(f"did: {said['runs']} runs, {said['files']} files in {said['versions']} versions restored and compared")
