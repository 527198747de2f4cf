"""Lakes: two machines share their committed runs, over a folder."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import DataDirectoryError, FixityError, LockedError
from pipelines.archive.archive import read_runs
from pipelines.archive.audit import read_audit
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from pipelines.lake.known import read_lakes
from pipelines.lake.push import push, waiting_for
from pipelines.lake.registry import registry, withdraw
from pipelines.look.filters import Filters
from pipelines.look.search import SearchQuery, search
from pipelines.verify.verify import verify
from tests.command_line import call
from tests.lake.machines import (
    PROJECTS,
    QUIET,
    Made,
    everything_in,
    id_of,
    machines,
    mark,
    session_of,
    write_project,
)

VIEWS = ("sessions", "messages", "conversation", "tool_calls", "token_usage", "projects", "user_prompts", "files")


def test_each_machine_has_the_views_of_one_that_read_both_homes(shared: Path) -> None:
    both = Made("both", shared, Layout(shared / "both"))
    query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in VIEWS)
    sums = "SELECT sum(input_tokens), sum(output_tokens), round(sum(cost_usd), 9), sum(prompt_count) FROM sessions"
    expected = both.ask(query), both.ask(sums)
    for made in machines(shared):
        assert (made.ask(query), made.ask(sums)) == expected
    homes = machines(shared)[0].ask("SELECT home_id FROM homes ORDER BY 1")
    assert homes == [("claude",), ("claude@bob",)]


def test_a_push_and_a_pull_without_anything_new_put_nothing(place: Path) -> None:
    ada, bob = machines(place)
    before = everything_in(place / "lake")
    assert ada.push().files == 0
    pulled = bob.pull()
    assert (pulled.runs, pulled.files, pulled.findings) == (0, 0, [])
    assert everything_in(place / "lake") == before


def test_what_is_pulled_survives_verification_and_a_later_run(place: Path) -> None:
    ada, _ = machines(place)
    write_project(ada, "later")
    ada.run()
    assert verify(ada.layout, observer=QUIET).findings == []
    assert ada.ask("SELECT count(*) FROM sessions") == [(7,)]
    assert ada.push().runs == 1


def test_status_says_what_waits_and_since_when(place: Path) -> None:
    ada, _ = machines(place)
    ada.push()
    assert waiting_for(read_lakes(ada.layout)[0], read_runs(ada.layout)).runs == 0
    write_project(ada, "later")
    ada.run()
    run = read_runs(ada.layout)[-1]
    waiting = waiting_for(read_lakes(ada.layout)[0], read_runs(ada.layout))
    assert (waiting.runs, waiting.since) == (1, run.finished_at)
    assert waiting.size == sum(part.size for phase in run.phases for part in phase.parts)


def test_the_registry_names_machines_homes_and_projects(place: Path) -> None:
    ada, _ = machines(place)
    heads = registry(read_lakes(ada.layout)[0])
    assert [one.name for one in heads] == ["ada", "bob"]
    assert list(heads[0].homes) == ["claude"]
    assert heads[0].projects == tuple(f"/w/ada/{project}-project" for project in PROJECTS)


def test_a_lake_that_is_away_is_named_and_nothing_is_lost(place: Path) -> None:
    ada, bob = machines(place)
    (place / "lake").rename(place / "away")
    with pytest.raises(DataDirectoryError, match="cannot be reached"):
        ada.push()
    (place / "away").rename(place / "lake")
    write_project(ada, "later")
    ada.run()
    ada.push()
    assert bob.pull().runs == 1
    assert bob.ask("SELECT count(*) FROM sessions") == [(7,)]


def test_what_is_forgotten_on_one_machine_is_gone_everywhere_after_the_next_sync(place: Path) -> None:
    ada, bob = machines(place)
    marks = [mark(ada, "secret", kind).encode() for kind in ("prompt", "answer", "history", "todo", "log", "version")]
    assert all(one in everything_in(place / "lake") for one in marks)
    wanted = SearchQuery(mark(ada, "secret", "prompt"), Filters())
    assert [hit.session_id for hit in search(bob.layout, wanted)] == [session_of(ada, "secret")]
    plan = plan_forget(ada.layout, ErasureTarget("session", session_of(ada, "secret")))
    forget(ada.layout, plan, QUIET)
    ada.push()
    assert bob.pull().findings == []
    for where in (place / "lake", bob.layout.root, ada.layout.root):
        found = everything_in(where)
        assert [one for one in marks if one in found] == []
    assert mark(ada, "open", "prompt").encode() in everything_in(bob.layout.root)
    assert bob.layout.search_indexes() == []  # it has words of the texts
    assert search(bob.layout, wanted) == []
    assert bob.ask("SELECT count(*) FROM sessions WHERE record_count > 0") == [(5,)]


def test_forget_names_the_machine_whose_pulled_files_it_cannot_rewrite(place: Path) -> None:
    ada, bob = machines(place)
    done = call("forget", "--session", session_of(ada, "secret"), "--yes", "--data", bob.layout.root)
    assert done.code == 1
    assert f"pulled from machine ada ({id_of(ada)[:8]})" in done.err
    assert f"extract lake drop {id_of(ada)[:8]}" in done.err
    assert "remove them yourself" not in done.err


def test_a_machine_that_withdraws_leaves_nothing(place: Path) -> None:
    ada, bob = machines(place)
    withdraw(ada.layout, read_lakes(ada.layout)[0])
    assert b"MARK-ada" not in everything_in(place / "lake")
    bob.pull()
    assert b"MARK-ada" not in everything_in(bob.layout.root)
    assert bob.ask("SELECT count(*) FROM sessions") == [(3,)]


def test_a_copied_identity_is_refused_before_anything_is_written(place: Path) -> None:
    ada, _ = machines(place)
    shutil.copytree(place / "ada", place / "eve", symlinks=True)
    eve = Made("ada", place / "eve" / "home", Layout(place / "eve" / "data"))
    write_project(ada, "later")
    ada.run()
    ada.push()
    before = everything_in(place / "lake")
    write_project(eve, "other")
    eve.run()
    with pytest.raises(LockedError, match="in the name of this machine"):
        eve.push()
    assert everything_in(place / "lake") == before


def test_another_lake_at_the_same_place_is_refused(place: Path) -> None:
    ada, _ = machines(place)
    known = replace(read_lakes(ada.layout)[0], lake_id="0" * 16)
    with pytest.raises(FixityError, match="another lake"):
        push(ada.layout, known, QUIET)


def test_a_damaged_file_of_ones_own_is_put_again(place: Path) -> None:
    ada, bob = machines(place)
    path = next((place / "lake").glob(f"machines/{id_of(ada)}/tables/records/**/*.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert ada.push().files == 1
    assert path.read_bytes() == whole
    assert bob.pull().findings == []


def test_an_older_state_of_a_lake_is_named_and_what_was_pulled_stays(place: Path) -> None:
    ada, bob = machines(place)
    older = place / "older"
    shutil.copytree(place / "lake", older)
    write_project(ada, "later")
    ada.run()
    ada.push()
    bob.pull()
    shutil.rmtree(place / "lake")
    older.rename(place / "lake")
    assert [one.code for one in bob.pull().findings] == ["N104"]
    assert bob.ask("SELECT count(*) FROM sessions WHERE home_id = 'claude@ada'") == [(4,)]


def test_the_audit_log_has_each_push_and_pull_without_content(place: Path) -> None:
    ada, _ = machines(place)
    entries, problems = read_audit(ada.layout)
    assert problems == []
    assert [one.what for one in entries] == ["push", "pull"]
    assert b"MARK" not in ada.layout.audit_file.read_bytes()
