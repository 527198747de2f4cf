"""The whole of it: two machines of one person and, in a soak, one of a colleague, with a lake in a folder or in S3: an
offline spell, a killed push, an erasure.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipelines.archive.machines import this_machine
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from pipelines.privacy.rules import PrivacyRule, set_rule
from tests.copies.test_object_store import bucket as bucket
from tests.copies.test_object_store import needs_server
from tests.lake.machines import (
    QUIET,
    Made,
    directory_of,
    everything_in,
    make_machine,
    mark,
    session_of,
    write_project,
)
from tests.sampled import WHOLE

ROOT = Path(__file__).resolve().parents[2]
ALL = ("ada", "bob", "eve")
"""The machines."""
NAMES = ALL if WHOLE else ALL[:2]
"""Those that share a folder."""
_PUSH = """
import sys
from pathlib import Path
from models.observer import Observer
from pipelines.disk.layout import Layout
from pipelines.lake.known import read_lakes
from pipelines.lake.push import push
layout = Layout(Path(sys.argv[1]))
push(layout, read_lakes(layout)[0], Observer())
"""


def killed_push(made: Made, point: str) -> None:
    """Push in another process, which is killed at a point."""
    environment = {**os.environ, "EXTRACT_FAIL_AT": f"{point}=kill", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", _PUSH, str(made.layout.root)], env=environment, capture_output=True)
    assert done.returncode < 0, done.stderr


def marks_of_session(made: Made) -> list[bytes]:
    """Return the marks of the open project that belong to its session: not those of pastes, plans and memory."""
    return [mark(made, "open", kind).encode() for kind in ("prompt", "answer", "history", "todo", "log", "version")]


def go_through_all(place: Path, lake: str, names: Sequence[str]) -> None:
    """Do the work of machines of these names in some weeks, and compare every byte afterwards."""
    made = ada, bob, *_ = [make_machine(place, name) for name in names]
    for one in made:
        set_rule(one.layout, PrivacyRule("ephemeral", project=directory_of(one, "secret")))
        one.join(lake)
    ada.push()
    killed_push(bob, "lake:parts")
    assert ada.pull().machines == []
    for one in made[1:]:
        one.push()
    for one in made:
        assert one.pull().findings == []
        seen = 3 + 2 * len(made[1:])  # all sessions of its own, and those of others that are not secret
        assert one.ask("SELECT count(DISTINCT session_id) FROM sessions WHERE record_count > 0") == [(seen,)]
    sums = "SELECT sum(output_tokens), sum(prompt_count) FROM sessions WHERE project NOT LIKE '%secret%'"
    assert len({tuple(one.ask(sums)) for one in made}) == 1
    write_project(ada, "offline")
    ada.run()
    forget(ada.layout, plan_forget(ada.layout, ErasureTarget("session", session_of(ada, "open"))), QUIET)
    ada.push()
    for one in made[1:]:
        assert one.pull().findings == []
    gone = marks_of_session(ada)
    for one in made:
        everything = everything_in(one.layout.root)
        assert [one for one in gone if one in everything] == []
        for other in made:
            if other is not one:
                assert f"MARK-{other.name}-secret".encode() not in everything
    assert bob.ask("SELECT count(*) FROM sessions WHERE home_id = 'claude@ada' AND record_count > 0") == [(2,)]


@pytest.mark.sampled
@pytest.mark.slow
def test_machines_share_a_folder_and_nothing_private_is_where_it_should_not_be(tmp_path: Path) -> None:
    go_through_all(tmp_path, str(tmp_path / "lake"), NAMES)
    everything = everything_in(tmp_path / "lake")
    assert [name for name in NAMES if f"MARK-{name}-secret".encode() in everything] == []
    gone = marks_of_session(Made("ada", tmp_path, Layout(tmp_path)))
    assert [one for one in gone if one in everything] == []
    assert b"MARK-ada-offline" in everything


@needs_server
@pytest.mark.soak
def test_machines_share_a_bucket(tmp_path: Path, bucket: str) -> None:
    go_through_all(tmp_path, f"{bucket}/three", ALL)
    print("did: 1 history")


@needs_server
def test_a_lake_in_s3_is_pushed_to_and_pulled_from(tmp_path: Path, bucket: str) -> None:
    ada, bob = make_machine(tmp_path, "ada", ("open",)), Made("bob", tmp_path, Layout(tmp_path / "bob"))
    for one in (ada, bob):
        one.join(f"{bucket}/two")
    assert ada.push().runs == 1
    assert ada.push().files == 0
    assert bob.pull().findings == []
    assert bob.ask("SELECT session_id FROM sessions") == [(session_of(ada, "open"),)]
    assert this_machine(bob.layout) != this_machine(ada.layout)
