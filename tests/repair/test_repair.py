"""`extract repair` mends an archive from all places that have the lost bytes, and names the bytes that none has."""

import json
import shutil
from pathlib import Path

import pytest

from models.errors import ConfigurationError, ExitCode
from models.finding import Level
from models.observer import Observer
from pipelines.archive.archive import read_all_runs
from pipelines.disk import failpoints
from pipelines.repair.repair import preview_repair, repair
from pipelines.run.status import status_of
from pipelines.verify.verify import check
from tests.archives import HOME, Archive, run
from tests.command_line import call
from tests.repairing import (
    Undamaged,
    errors_in,
    is_as,
    lost_in_the_home,
    make_undamaged,
    mended,
    restored,
    run_goes_on,
    sums_of,
)
from tests.sampled import sampled

SAMPLE = [
    ("store/home=*/run=*/phase-1-0.parquet", "delete"),
    ("head.json", "older"),
    ("tables/manifest/home=*/run=*/phase-8.parquet", "swap"),
]
"""Some kinds of files and ways to damage them; the soak tries all of them in all ways."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Undamaged:
    return make_undamaged(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def archive(whole: Undamaged, tmp_path: Path) -> Archive:
    return whole.archive.copy(tmp_path)


def parts(archive: Archive, table: str, epoch: int, phase: int) -> list[Path]:
    """Return the parts of a table that a run committed for a phase."""
    (made,) = (one for one in archive.runs if one.epoch == epoch)
    return [
        archive.layout.root / part.path
        for one in made.phases
        for part in one.parts
        if part.table == table and one.phase == phase
    ]


@pytest.mark.parametrize(("pattern", "way"), SAMPLE)
def test_a_repair_from_a_copy_gives_the_archive_that_was(
    pattern: str, way: str, whole: Undamaged, tmp_path: Path
) -> None:
    name = max(whole.archive.layout.root.glob(pattern)).relative_to(whole.archive.layout.root).as_posix()
    archive = whole.damaged(tmp_path, name, way)
    assert archive is not None
    assert errors_in(check(archive.layout))
    made = mended(archive, whole.archive.layout.root)
    assert made.findings == []
    assert is_as(archive, whole, tmp_path) == []


def test_the_preview_shows_the_same_and_changes_nothing(whole: Undamaged, archive: Archive) -> None:
    for part in (*parts(archive, "store", 1, 1), *parts(archive, "entries", 1, 8)):
        part.unlink()
    root = archive.layout.root
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != "writer.lock"}
    planned = preview_repair(archive.layout, (), {HOME: archive.home}, Observer())
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != "writer.lock"}
    assert after == before
    made = mended(archive)
    assert {one.path for one in made.mended} == {one.path for one in planned.mended}
    assert planned.to_parse == made.to_parse != []
    assert errors_in(made.findings) == []
    assert sums_of(archive) == whole.sums


def test_what_the_home_still_has_is_whole_and_the_rest_is_named_and_stays_known(
    whole: Undamaged, archive: Archive, tmp_path: Path
) -> None:
    for phase in (1, 8):
        for part in parts(archive, "store", 1, phase):
            part.unlink()
    made = mended(archive)
    assert [(one.code, one.address) for one in made.losses] == [
        ("L101", f"{HOME}:notes.md"),
        ("L101", f"{HOME}:rules.md"),
    ]
    assert made.exit_code == ExitCode.INCOMPLETE
    assert lost_in_the_home(archive, tmp_path / "back") == []
    assert sums_of(archive) == whole.sums
    run(archive.layout, archive.home)
    assert read_all_runs(archive.layout)[-1].damage == []
    again = check(archive.layout, Level.DEEP)
    assert errors_in(again) == []
    assert [one.code for one in again if one.code.startswith("L")] == ["L101", "L101"]
    lost = status_of(archive.layout).known_losses
    assert [one.split(": ")[0] for one in lost] == [f"{HOME}:notes.md", f"{HOME}:rules.md"]
    drilled = call("drill", "--data", archive.layout.root, "--json")
    assert drilled.code == 0, drilled.out
    assert mended(archive).is_nothing


def test_a_copy_that_turns_up_later_is_no_harm(whole: Undamaged, archive: Archive, tmp_path: Path) -> None:
    for part in parts(archive, "store", 1, 8):
        part.unlink()
    assert mended(archive).losses
    made = mended(archive, whole.archive.layout.root)
    assert errors_in(made.findings) == []
    assert restored(archive, tmp_path / "back")


def test_recipes_that_are_lost_are_found_again_in_the_order_of_the_store(archive: Archive, tmp_path: Path) -> None:
    for part in parts(archive, "pieces", 1, 8):
        part.unlink()
    (archive.home / "notes.md").unlink()
    made = mended(archive)
    assert made.findings == []
    assert restored(archive, tmp_path / "back")["rules.md"] == b"# rules\n"


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_run_without_its_record_gets_it_again_from_its_parts(epoch: int, whole: Undamaged, archive: Archive) -> None:
    (gone,) = (one for one in archive.runs if one.epoch == epoch)
    for place in (archive.layout.run(gone.run_id), archive.layout.copy_of(archive.layout.run(gone.run_id))):
        shutil.rmtree(place)
    made = mended(archive)
    assert errors_in(made.findings) == []
    assert made.losses == []
    assert sums_of(archive) == whole.sums
    (back,) = (one for one in archive.runs if one.epoch == epoch)
    assert back.run_id == gone.run_id
    assert [phase.parts for phase in back.phases] != []
    # The runs before and after it agree on the parsers; before the first there is none, so its files are parsed again.
    assert [phase.parsers for phase in back.phases] == [phase.parsers if epoch == 2 else {} for phase in gone.phases]


def test_a_run_that_is_gone_altogether_leaves_no_gap(archive: Archive, tmp_path: Path) -> None:
    gone = archive.runs[0].run_id
    for place in archive.layout.root.rglob(f"*{gone}"):
        if place.is_dir():
            shutil.rmtree(place)
    built = call("rebuild", "--data", archive.layout.root)
    assert built.code == ExitCode.FIXITY
    assert "has no record of the run of epoch 1" in built.err
    assert "extract repair" in built.err
    (found,) = (one for one in check(archive.layout) if one.code == "R207")
    assert found.sentence == "Runs are counted by epochs: before this run of epoch 2 that of epoch 1 is gone."
    assert "F103" not in {one.code for one in check(archive.layout)}
    made = mended(archive)
    assert errors_in(made.findings) == []
    assert {one.code for one in made.losses} == {"L101", "L105"}
    assert lost_in_the_home(archive, tmp_path / "back") == []
    assert call("run", "--home", f"{HOME}={archive.home}", "--data", archive.layout.root).code == ExitCode.REJECTS
    assert errors_in(check(archive.layout, Level.DEEP)) == []


def test_a_run_over_a_damaged_archive_goes_on_and_a_repair_afterwards_makes_it_clean(archive: Archive) -> None:
    for part in (*parts(archive, "store", 1, 1), *parts(archive, "prompts", 2, 1)):
        part.unlink()
    assert run_goes_on(archive) == []
    made = mended(archive)
    assert made.findings == []
    run(archive.layout, archive.home)
    assert read_all_runs(archive.layout)[-1].damage == []


def test_a_journal_of_an_erasure_that_is_damaged_is_set_aside_and_named(archive: Archive) -> None:
    archive.layout.forget_file.write_bytes(b"{}")
    made = mended(archive)
    assert "extract forget" in made.notes[0]
    assert errors_in(made.findings) == []
    assert not archive.layout.forget_file.exists()


def test_an_older_backup_does_not_bring_back_what_was_erased(whole: Undamaged, archive: Archive) -> None:
    ran = call("forget", "--text", "# later", "--yes", "--quiet", "--data", archive.layout.root)
    assert ran.code == 0, ran.err
    first = archive.layout.commit_record(archive.runs[0].run_id)
    first.unlink()
    archive.layout.copy_of(first).unlink()
    made = mended(archive, whole.archive.layout.root)
    assert "put back from" not in " ".join(one.how for one in made.mended if one.path.endswith("run.json"))
    assert errors_in(made.findings) == []
    assert call("forget", "--text", "# later", "--data", archive.layout.root, "--yes").out.startswith("No run contains")


def test_another_archive_and_a_directory_that_is_none_are_refused(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="no copy of an archive"):
        repair(archive.layout, [tmp_path / "empty"], {}, Observer())
    with pytest.raises(ConfigurationError, match="is the archive itself"):
        repair(archive.layout, [archive.layout.root], {}, Observer())


def test_the_command_shows_first_and_does_it_with_yes(archive: Archive) -> None:
    for part in parts(archive, "store", 1, 8):
        part.unlink()
    data = archive.layout.root
    printed = call("repair", "--data", data, "--json")
    assert printed.code == ExitCode.INCOMPLETE
    assert json.loads(printed.out)["done"] is False
    asked = call("repair", "--data", data)
    assert asked.code == ExitCode.USAGE
    assert "would be mended:" in asked.out
    assert "L101 small:rules.md" in asked.out
    did = call("repair", "--data", data, "--yes")
    assert did.code == ExitCode.INCOMPLETE, did.out + did.err
    assert "repaired and verified" in did.out
    assert call("verify", "--data", data).code == 0
    assert "nothing to repair" in call("repair", "--data", data).out


POINTS = ("repair:quarantined", "repair:part-placed", "repair-record:before-rename", "repair:before-retiring")


@sampled("point", POINTS, suite=POINTS[1:3])
def test_a_repair_that_stops_anywhere_is_finished_by_the_next(point: str, whole: Undamaged, archive: Archive) -> None:
    for part in (*parts(archive, "store", 1, 1), *parts(archive, "entries", 1, 8), *parts(archive, "pieces", 2, 8)):
        part.unlink()
    if point == "repair:quarantined":
        parts(archive, "prompts", 1, 1)[0].write_bytes(b"other")
    failpoints.arm(point)
    try:
        with pytest.raises(failpoints.FailPointError):
            mended(archive)
    finally:
        failpoints.arm(None)
    assert errors_in(mended(archive).findings) == []
    assert sums_of(archive) == whole.sums


def test_a_part_of_whose_pieces_the_home_has_some_is_mended_and_the_others_are_retired_by_name(
    archive: Archive,
) -> None:
    kept, lost = archive.home / "kept.md", archive.home / "lost.md"
    kept.write_bytes(b"# kept\n")
    lost.write_bytes(b"# lost\n")
    run(archive.layout, archive.home)
    for part in parts(archive, "store", archive.last.epoch, 8):
        part.unlink()
    lost.unlink()
    made = mended(archive)
    assert [(one.code, one.address) for one in made.losses] == [("L101", f"{HOME}:lost.md")]
    assert errors_in(made.findings) == []
    assert errors_in(check(archive.layout, Level.DEEP)) == []


@pytest.mark.parametrize("lost", ["run.json", "phase-1.parquet"])
def test_a_record_or_manifest_that_comes_back_after_a_run_without_it_fits_the_run(lost: str, archive: Archive) -> None:
    (archive.home / "newer.md").write_bytes(b"# newer\n")
    with (archive.home / "history.jsonl").open("ab") as file:
        file.write(b'{"display":"even later"}\n')
    run(archive.layout, archive.home)
    held = archive.layout.root.with_name("held")
    shutil.copytree(archive.layout.root, held, symlinks=True)
    gone = [path for path in archive.layout.root.rglob(lost) if archive.last.run_id in path.parts[-2]]
    gone = [path for path in gone if lost == "run.json" or "manifest" in path.parts]
    assert len(gone) == 2
    for path in gone:
        path.unlink()
    assert run_goes_on(archive) == []
    run(archive.layout, archive.home)
    made = mended(archive, held)
    assert errors_in(made.findings) == []
    assert errors_in(check(archive.layout, Level.DEEP)) == []
