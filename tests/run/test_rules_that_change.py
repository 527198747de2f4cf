"""Settings that move a file to another rule: it does not expire by that, and is read from its first byte."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from extractors.reading.registry import Classifier
from models.errors import ExitCode
from models.finding import Level
from models.manifest import FileState
from models.observer import Observer
from pipelines.archive.archive import read_runs
from pipelines.archive.selection import archived_paths
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.restore.restore import RestoreRequest, restore
from pipelines.run.extraction import Request
from pipelines.run.inventory import InventoryItem, take_snapshot
from pipelines.run.pipeline import run_job
from pipelines.verify.verify import check
from pipelines.warehouse.opened import open_warehouse
from tests.command_line import call
from tests.crash_driver import SESSION, write_home

LISTED = f"projects/node_modules/{SESSION}.jsonl"
"""Listed in phase 8 unless trees are archived; then a transcript, of phase 7."""
FOREIGN = "projects/-p/notes.md"
"""Archived in phase 8; what is withheld below projects/ is of phase 7."""
ALL = (2, 7, 8)
"""The phases of the files whose rules change."""


class Kept:
    """A home and its archive, run over under one setting after the other."""

    def __init__(self, place: Path) -> None:
        self.home, self.layout = place / "home", Layout(place / "data")
        write_home(self.home, grown=False)
        (self.home / "projects" / "node_modules").mkdir()
        (self.home / LISTED).write_bytes((self.home / "projects" / "-p" / f"{SESSION}.jsonl").read_bytes()[:600])
        (self.home / FOREIGN).write_text("text")

    def run(self, settings: str = "", phases: tuple[int, ...] = ALL) -> list[FileState]:
        """Run and return the manifest rows."""
        self.layout.root.mkdir(mode=0o700, exist_ok=True)
        self.layout.settings_file.write_text(settings)
        self.layout.settings_file.chmod(0o600)
        finished = run_job(self.layout, Request([("home", self.home)], phases), Observer())
        assert finished.exit_code in (ExitCode.VERIFIED, ExitCode.REJECTS)
        return StoreReader.open(self.layout).files()

    def changes(self) -> list[str]:
        """Return the lines of the newest run on changed settings."""
        return read_runs(self.layout)[-1].settings_changes

    def availability(self, path: str) -> str:
        """Return the state of a path, as it is printed for people."""
        reader = StoreReader.open(self.layout)
        (known,) = [one for one in archived_paths(reader, reader.runs[-1]) if one.state.path == path]
        return str(known.availability)

    def generations(self, path: str) -> list[tuple[int, str]]:
        """Return the generations of a file and the state of each."""
        with open_warehouse(self.layout) as connection:
            query = "SELECT generation, state FROM files WHERE path = ? ORDER BY generation"
            return connection.execute(query, [path]).fetchall()


def of(states: list[FileState], path: str) -> dict[int, tuple[str, int | None]]:
    """Return outcome and generation of a path by phase."""
    return {state.phase: (str(state.outcome), state.generation) for state in states if state.path == path}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A home and its archive, which is verified after the test."""
    kept = Kept(tmp_path)
    yield kept
    assert [one for one in check(kept.layout) if one.severity != "information"] == []


def test_a_file_that_is_withheld_from_now_on_has_not_expired(kept: Kept) -> None:
    assert of(kept.run(), FOREIGN) == {8: ("intact", 1)}
    withheld = 'withhold = ["projects/**/*.md", "debug/**"]\n'
    for _ in range(2):
        states = kept.run(withheld)
        assert of(states, FOREIGN) == {7: ("withheld", 1), 8: ("moved", 1)}
        assert of(states, f"debug/{SESSION}.txt") == {2: ("withheld", 1)}
        assert kept.availability(FOREIGN) == "withheld"
        assert kept.generations(FOREIGN) == [(1, "present")]
        assert not any(state.outcome == "expired" for state in states)
    states = kept.run()
    assert of(states, FOREIGN) == {7: ("moved", 1), 8: ("intact", 2)}
    assert kept.availability(FOREIGN) == "present"
    assert kept.generations(FOREIGN) == [(1, "superseded"), (2, "present")]


def test_a_file_that_other_rules_promote_is_read_from_its_beginning_as_a_new_generation(
    kept: Kept, tmp_path: Path
) -> None:
    assert of(kept.run(), LISTED) == {8: ("unchecked", None)}
    assert of(kept.run("archive_trees = true\n"), LISTED) == {7: ("intact", 1), 8: ("moved", None)}
    assert of(kept.run("archive_trees = true\n"), LISTED) == {7: ("intact", 1), 8: ("moved", None)}
    assert kept.generations(LISTED) == [(1, "present")]
    assert of(kept.run(), LISTED) == {7: ("moved", 1), 8: ("unchecked", 1)}
    assert kept.availability(LISTED) == "listed"
    assert of(kept.run("archive_trees = true\n"), LISTED) == {7: ("intact", 2), 8: ("moved", 1)}
    assert kept.generations(LISTED) == [(1, "superseded"), (2, "present")]
    made = restore(kept.layout, RestoreRequest(tmp_path / "restored"))
    assert made.findings == []
    assert (tmp_path / "restored" / LISTED).read_bytes() == (kept.home / LISTED).read_bytes()


def test_a_run_says_which_settings_changed_and_which_withheld_files_it_archives(kept: Kept) -> None:
    kept.run('withhold = ["projects/**/*.md"]\n')
    assert kept.changes() == []
    kept.run('withhold = ["projects/**/*.mf"]\nentry_mb = 8\n')
    assert kept.changes() == [
        "withhold: projects/**/*.md was removed, so files that it alone withheld are archived",
        (
            "withhold: projects/**/*.mf was added, so matching files are never opened; their archived bytes stay "
            "until `extract forget` erases them"
        ),
        "entry_mb: the longest entry that is parsed has 8 MiB instead of 32; longer ones are kept unparsed",
        f"1 file that was withheld is archived by this run: {FOREIGN}",
    ]
    kept.run('withhold = ["projects/**/*.mf"]\nentry_mb = 8\n')
    assert kept.changes() == []
    kept.layout.settings_file.unlink()
    (gone,) = check(kept.layout, Level.QUICK)
    assert gone.code == "R123"
    assert "so the defaults hold; withhold: projects/**/*.mf was removed, so files that it alone" in gone.sentence
    assert "entry_mb: the longest entry that is parsed has 32 MiB instead of 8" in gone.sentence
    kept.layout.settings_file.write_bytes(kept.layout.copy_of(kept.layout.settings_file).read_bytes())
    kept.layout.settings_file.chmod(0o600)
    assert check(kept.layout) == []
    kept.run('withhold = ["projects/**/*.md"]\n')
    assert kept.changes()[-1] == f"1 archived file is withheld from now on: {FOREIGN}"


@pytest.mark.parametrize("options", [(), ("--quiet",)])
def test_a_command_without_a_terminal_says_which_settings_changed(options: tuple[str, ...], kept: Kept) -> None:
    kept.run("entry_mb = 8\n")
    kept.layout.settings_file.write_text("entry_mb = 16\n")
    said = call("run", "--home", f"home={kept.home}", "--data", kept.layout.root, *options).err
    assert "has 16 MiB instead of 8" in " ".join(said.split())


def test_what_moves_to_a_phase_that_is_not_run_waits_for_it(kept: Kept) -> None:
    kept.run()
    withheld = 'withhold = ["projects/**/*.md"]\n'
    assert of(kept.run(withheld, (8,)), FOREIGN) == {8: ("unchecked", 1)}
    assert kept.availability(FOREIGN) == "present"
    assert of(kept.run(withheld), FOREIGN) == {7: ("withheld", 1), 8: ("moved", 1)}


def test_what_moved_and_then_went_has_expired(kept: Kept) -> None:
    kept.run("archive_trees = true\n")
    kept.run()
    (kept.home / LISTED).unlink()
    assert of(kept.run(), LISTED) == {7: ("expired", 1), 8: ("expired", 1)}


@pytest.mark.parametrize(("source", "treatment"), [("other", "extract"), ("history", "archive")])
def test_nothing_of_a_reading_under_another_source_or_treatment_is_gone_on_with(
    tmp_path: Path, source: str, treatment: str
) -> None:
    (tmp_path / "history.jsonl").write_bytes(b"{}\n")
    (item,) = take_snapshot(tmp_path, Classifier())
    item.last = last_of(item, "history", "extract")
    assert not item.is_due(is_full=False)
    assert (item.task("h").start, item.task("h").generation) == (3, 4)
    item.last = last_of(item, source, treatment)
    assert item.is_due(is_full=False)
    task = item.task("h")
    assert (task.start, task.generation, task.prefix_xxh3, task.same_size) == (0, 5, None, None)


def last_of(item: InventoryItem, source: str, treatment: str) -> FileState:
    """Return the manifest row of a file that was read to its end in its fourth generation."""
    found, stat = item.found, item.found.stat
    times = stat.size, stat.mtime_ns, stat.ctime_ns, stat.mode, stat.inode
    state = FileState(
        "h", "r", 1, source, item.path, found.path, found.kind, treatment, "", "new", "intact", "xxh3", *times
    )
    state.file_id, state.generation, state.watermark = 1, 4, 3
    state.content_xxh3 = state.prefix_xxh3 = b"0" * 16
    return state
