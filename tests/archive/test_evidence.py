"""Files that no commit record lists, such as reports and imported stores, cannot vanish or change unseen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.finding import Level, Severity
from models.observer import Observer
from pipelines.archive.evidence import EvidenceList, list_again, listing, read_evidence
from pipelines.archive.findings_file import Verification, keep_verification
from pipelines.drill.drill import DrillRequest, drill
from pipelines.repair.repair import repair
from pipelines.verify.verify import check
from tests.archives import HOME, Archive, run


@pytest.fixture(scope="module")
def whole(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive with every kind of such a file."""
    archive = made_archive.copy(tmp_path_factory.mktemp("whole"))
    drill(archive.layout, DrillRequest())
    made = Verification("2026-01-01T00:00:00+00:00", Level.DEFAULT, "1", [])
    keep_verification(archive.layout, archive.last.run_id, made)
    return archive


@pytest.fixture
def archive(whole: Archive, tmp_path: Path) -> Iterator[Archive]:
    copy = whole.copy(tmp_path)
    with copy.held:
        yield copy


def serious(archive: Archive) -> list[str]:
    return [one.code for one in check(archive.layout) if one.severity is not Severity.INFORMATION]


def files_of(archive: Archive) -> list[str]:
    known = read_evidence(archive.layout)
    assert known is not None
    assert known.writing == {}
    return sorted(known.files)


def test_every_such_file_is_listed_as_it_is(whole: Archive) -> None:
    root = whole.layout.root
    beside = {path for path in root.glob("runs/*/*") if not path.name.startswith(("run.json", "manifest-"))}
    assert files_of(whole) == sorted(
        path.relative_to(root).as_posix() for path in {*beside, *root.glob("store/imp*/*")}
    )
    assert len(beside) == 9
    assert serious(whole) == []


def test_each_that_vanished_is_found_by_verify_and_by_the_next_run_and_mended(archive: Archive, whole: Archive) -> None:
    gone = [archive.layout.root / path for path in files_of(archive)]
    for path in gone:
        path.unlink()
    found = {one.address for one in check(archive.layout, Level.QUICK) if one.code in ("R125", "P111")}
    assert found == set(files_of(archive))
    run(archive.layout, archive.home)
    assert {one.path for one in archive.last.damage} == found
    repair(archive.layout, [whole.layout.root], {HOME: archive.home}, Observer())
    assert serious(archive) == []
    assert [path.name for path in gone if not path.exists()] == []


def test_what_nothing_has_any_more_is_taken_off_the_list(archive: Archive) -> None:
    for path in archive.layout.root.glob("runs/*/drill-*"):
        path.unlink()
    made = repair(archive.layout, [], {HOME: archive.home}, Observer())
    assert {one.how for one in made.mended} == {"removed from the list"}
    assert serious(archive) == []


def test_an_older_version_of_a_report_is_found_by_the_next_run(archive: Archive) -> None:
    first, last = (archive.layout.report(one.run_id, "md") for one in archive.runs)
    last.write_bytes(first.read_bytes())
    assert serious(archive) == ["R126"]
    run(archive.layout, archive.home)
    assert [one.path for one in archive.last.damage] == [archive.layout.relative(last)]


def test_a_process_that_is_killed_between_the_list_and_the_file_leaves_no_finding(archive: Archive) -> None:
    path = archive.layout.findings(archive.last.run_id)
    held, new = path.read_bytes(), archive.layout.findings(archive.runs[0].run_id)
    with pytest.raises(KeyboardInterrupt), listing(archive.layout, {path: "0" * 64, new: "1" * 64}):
        raise KeyboardInterrupt
    assert serious(archive) == []
    path.write_bytes(held + b" ")
    assert serious(archive) == ["R226"]
    path.write_bytes(held)
    run(archive.layout, archive.home)
    assert archive.last.damage == []
    assert archive.layout.relative(new) not in files_of(archive)


def test_the_list_itself_is_put_back_from_its_copy_or_made_again(archive: Archive) -> None:
    layout, before = archive.layout, files_of(archive)
    for paths in ([layout.evidence_file], [layout.evidence_file, layout.copy_of(layout.evidence_file)]):
        for path in paths:
            path.unlink()
        assert "R124" in [one.code for one in check(layout, Level.QUICK)]
        run(layout, archive.home)
        assert [one.path for one in archive.last.damage] == ["evidence.json"]
        assert set(before) < set(files_of(archive))
        assert serious(archive) == []


def test_an_archive_of_an_older_version_gets_its_list_without_a_word(archive: Archive) -> None:
    layout = archive.layout
    for path in (layout.evidence_file, layout.copy_of(layout.evidence_file)):
        path.unlink()
    for path in (layout.head_file, layout.copy_of(layout.head_file)):
        archive.seal(path, {"epoch": archive.last.epoch, "run_id": archive.last.run_id})
    assert serious(archive) == []
    run(layout, archive.home)
    assert archive.last.damage == []
    assert len(files_of(archive)) == 13


def test_a_file_may_be_missing_or_another_only_as_the_list_says() -> None:
    known = EvidenceList({"a": "1", "b": "2"}, {"b": "3", "c": "4", "a": ""})
    assert [known.allows("a", one) for one in ("1", None, "2")] == [True, True, False]
    assert [known.allows("b", one) for one in ("2", "3", None)] == [True, True, False]
    assert [known.allows("c", one) for one in (None, "4", "5")] == [True, True, False]


def test_a_deleted_file_is_listed_no_more(archive: Archive) -> None:
    path = archive.layout.root / files_of(archive)[0]
    path.unlink()
    list_again(archive.layout, [path])
    assert archive.layout.relative(path) not in files_of(archive)
