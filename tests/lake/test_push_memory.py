"""A push writes only what has changed since the last one, and leaves there what one without a memory would leave:
after new sessions, changed rules, and names that become withheld later.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.archive.known_copies import key_of
from pipelines.disk.layout import Layout
from pipelines.lake.known import read_lakes
from pipelines.lake.push import push
from pipelines.privacy.rules import PrivacyRule, set_rule, unset_rule
from tests.conversations import Talk, call, write_lines
from tests.lake.machines import QUIET, Made, directory_of, everything_in, mark, session_of, write_project

LATER = "a prompt of the team that names a session of later"
CALLED = "a call of the team that names it"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A machine with a team project, in which one prompt names a session that does not exist yet."""
    place = tmp_path_factory.mktemp("memory")
    one = Made("cleo", place / "home", Layout(place / "data"))
    for project in ("open", "team"):
        write_project(one, project)
    talk = Talk(session_of(one, "beside"), directory_of(one, "team"))
    talk.prompt(f"{LATER}: {session_of(one, 'later')}")
    talk.answer("a", call("c", command=f"{CALLED} {session_of(one, 'later')}"))
    write_talk(one, talk)
    one.run()
    set_rule(one.layout, PrivacyRule("team", project=directory_of(one, "team")))
    return one


def write_talk(made: Made, talk: Talk) -> None:
    """Write a session as a transcript of the home."""
    write_lines(made.home / "projects" / "-w-cleo-any" / f"{talk.session}.jsonl", talk.records)


def steps(made: Made) -> Iterator[Callable[[], object]]:
    """Yield changes of an archive, one after the other."""
    beside = PrivacyRule("ephemeral", session=session_of(made, "beside"))
    yield lambda: None
    write_project(made, "later")
    yield made.run  # that session is not the team's: its name must go from what was pushed
    yield lambda: set_rule(made.layout, beside)
    talk = Talk(session_of(made, "more"), directory_of(made, "team"))
    talk.prompt("one more prompt of the team")
    write_talk(made, talk)
    yield made.run
    yield lambda: unset_rule(made.layout, beside)
    yield lambda: set_rule(made.layout, PrivacyRule("ephemeral", project=directory_of(made, "open")))
    yield lambda: set_rule(made.layout, PrivacyRule("public", project=directory_of(made, "later")))


def test_a_push_that_remembers_leaves_the_same_files_as_one_that_does_not(made: Made, tmp_path: Path) -> None:
    memory = join_both(made, tmp_path)
    found = list[tuple[bool, bool]]()
    for change in steps(made):
        change()
        for level in ("team", "private"):
            push_to(made, tmp_path / level)
            before = everything_in(tmp_path / level)
            kept = memory[level].read_bytes() if memory[level].exists() else b""
            memory[level].unlink(missing_ok=True)
            push_to(made, tmp_path / level)
            assert everything_in(tmp_path / level) == before
            assert (memory[level].read_bytes() if memory[level].exists() else b"") == kept
        held = everything_in(tmp_path / "team")
        found.append((LATER.encode() in held, CALLED.encode() in held))
    assert found == [(True, True), *[(False, False)] * 5, (True, True)]


def test_a_push_with_nothing_new_reads_no_warehouse_and_mends_what_the_lake_has_lost(
    made: Made, tmp_path: Path
) -> None:
    join_both(made, tmp_path)
    push_to(made, tmp_path / "team")
    warehouse = made.layout.warehouse.resolve()
    whole, status = warehouse.read_bytes(), warehouse.stat()
    before = everything_in(tmp_path / "team")
    lost = next(path for path in (tmp_path / "team").rglob("*.parquet") if "records" in str(path))
    try:
        overwrite(warehouse, bytes(len(whole)), status)
        assert push_to(made, tmp_path / "team") == (0, 0)
    finally:
        overwrite(warehouse, whole, status)
    lost.unlink()
    assert push_to(made, tmp_path / "team") == (1, 0)
    assert everything_in(tmp_path / "team") == before
    assert mark(made, "team", "prompt").encode() in before


def overwrite(path: Path, data: bytes, status: os.stat_result) -> None:
    """Change a file's bytes, and nothing else of it."""
    path.chmod(0o600)
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.chmod(status.st_mode)


def join_both(made: Made, place: Path) -> dict[str, Path]:
    """Leave all lakes, and join one for each level; return the files of their memories."""
    for path in made.layout.lakes.glob("*.*"):
        path.unlink()
    keys = {level: key_of(made.join(str(place / level), level).place) for level in ("team", "private")}
    return {level: made.layout.push_memory(key) for level, key in keys.items()}


def push_to(made: Made, place: Path) -> tuple[int, int]:
    """Push to a lake; return how many files were written and deleted there."""
    (known,) = (one for one in read_lakes(made.layout) if one.place == str(place))
    done = push(made.layout, known, QUIET)
    return done.files, done.removed
