"""A run over a damaged archive archives new content, stores again the bytes that homes still have, and is never called
verified.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import ExitCode
from models.run import PartRecord, RunRecord
from models.seal import unsealed
from pipelines.archive import damage as damages
from pipelines.archive.archive import Archive, committed_parts, effective, read_records, read_runs
from pipelines.archive.damage import SLOTS, look_at_parts
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from tests.command_line import Ran, call, prompt
from tests.sampled import WHOLE, sampled

FILES = {
    "history.jsonl": b"".join(prompt(f"do {number}") for number in range(40)),
    "plans/p.md": b"# a plan\n" * 900,
    "projects/-p/11111111-1111-4111-8111-111111111111.jsonl": b"".join(
        b'{"type":"summary","summary":"number %d","leafUuid":"11111111-1111-4111-8111-%012d"}\n' % (number, number)
        for number in range(50)
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and its archive of two runs, made once: the digests of the first run are in the indexes by then."""
    base = tmp_path_factory.mktemp("made")
    home, data = base / "home", base / "data"
    for name, content in FILES.items():
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    assert _run(home, data).code == 0
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("later"))
    assert _run(home, data).code == 0
    return base


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of the home."""
    return shutil.copytree(made / "home", tmp_path / "home", symlinks=True)


@pytest.fixture
def data(made: Path, home: Path, tmp_path: Path) -> Path:
    """A copy of the archive."""
    return shutil.copytree(made / "data", tmp_path / "data", symlinks=True)


def _run(home: Path, data: Path, *options: str) -> Ran:
    return call("run", "--home", f"mine={home}", "--data", data, *options)


def _delete(path: Path) -> None:
    path.unlink()


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 1
    path.write_bytes(raw)


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _be_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = [_delete, _flip, _cut_short, _be_a_directory]


def _store_parts(data: Path) -> list[Path]:
    """Return the parts of the store that the first run committed."""
    return [data / part.path for part in committed_parts(read_runs(Layout(data))[:1], "store")]


def _parts(run: RunRecord) -> list[PartRecord]:
    return [part for phase in run.phases for part in phase.parts]


def _kept(data: Path, as_of: str | None = None) -> dict[str, bytes]:
    """Return every file as the store gives it back."""
    layout = Layout(data)
    reader = StoreReader(layout, effective(read_records(layout)[0]), Archive.open(layout).seed, lenient=True)
    return {
        state.path: b"".join(reader.read_range(state.file_id, 0, state.size, as_of))
        for state in reader.files(as_of)
        if state.entry_type == "file" and state.file_id is not None and state.is_present
    }


def _held(home: Path) -> dict[str, bytes]:
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def _claims(data: Path, *ran: Ran) -> str:
    """Return all that a reader is shown of the newest run: output, and the three reports."""
    directory = data / "runs" / read_runs(Layout(data))[-1].run_id
    page = (directory / "report.html").read_text()
    shown = [one.out + one.err for one in ran] + [(directory / "report.md").read_text(), page[page.index("<body") :]]
    verdict = json.loads((directory / "report.json").read_text())
    return "\n".join([*shown, json.dumps([verdict["verdict"], verdict["claim"]])])


@sampled(
    "damage, options",
    [(damage, options) for damage in DAMAGES for options in ((), ("--full",))],
    suite=[(_delete, ()), (_flip, ("--full",)), (_cut_short, ()), (_be_a_directory, ("--full",))],
)
def test_what_the_home_still_has_is_kept_again_and_nothing_is_called_verified(
    damage: Callable[[Path], None], options: tuple[str, ...], home: Path, data: Path
) -> None:
    for part in _store_parts(data):
        damage(part)
    shutil.copy(home / "plans/p.md", home / "plans/copy.md")
    ran = _run(home, data, *options)
    assert ran.code == ExitCode.FIXITY
    claims = _claims(data, ran)
    assert re.search(r"(?<!not )\bverified", claims, re.IGNORECASE) is None
    for part in _store_parts(data):
        assert claims.count(part.relative_to(data).as_posix()) >= 3
    assert "next: extract verify" in ran.out
    assert _kept(data) == _held(home)
    first = read_runs(Layout(data))[0].run_id
    assert _kept(data, first) == FILES
    again = _run(home, data, *options)
    assert again.code == ExitCode.FIXITY
    assert read_runs(Layout(data))[-1].phases
    assert sum(path.stat().st_size for path in data.rglob("store/**/mended-*")) < 20_000


def test_what_the_home_has_no_more_is_lost_alone_and_the_rest_is_given_back(
    home: Path, data: Path, tmp_path: Path
) -> None:
    for part in _store_parts(data):
        part.unlink()
    (home / "plans/p.md").unlink()
    assert _run(home, data).code == ExitCode.FIXITY
    assert _kept(data) == _held(home)
    runs = read_runs(Layout(data))
    assert [run.run_id for run in runs if any("/mended-" in part.path for part in _parts(run))] == [runs[-1].run_id]
    ran = call("restore", "--to", tmp_path / "back", "--data", data, "--as-of", runs[0].run_id, "--json")
    assert ran.code == ExitCode.FIXITY
    lost = [one for one in json.loads(ran.out)["findings"] if one["code"] == "X102"]
    assert ["plans/p.md" in one["address"] for one in lost] == [True], lost
    assert _held(tmp_path / "back") == {name: content for name, content in FILES.items() if name != "plans/p.md"}


def test_parts_that_are_put_back_from_a_backup_leave_an_archive_that_verifies(home: Path, data: Path) -> None:
    parts = {part: part.read_bytes() for part in _store_parts(data)}
    for part in parts:
        part.unlink()
    shutil.copy(home / "plans/p.md", home / "plans/copy.md")
    assert _run(home, data).code == ExitCode.FIXITY
    for part, content in parts.items():
        part.write_bytes(content)
        part.chmod(0o600)
    assert (ran := call("verify", "--data", data, "--deep")).code == 0, ran.out
    assert (ran := _run(home, data)).code == 0, ran.out


def test_status_names_the_damage_before_and_after_a_run(home: Path, data: Path) -> None:
    (part, *_) = _store_parts(data)
    name = part.relative_to(data).as_posix()
    part.write_bytes(part.read_bytes() + b"x")
    printed = call("status", "--data", data)
    assert "THE ARCHIVE IS DAMAGED: 1 committed file is changed or missing" in printed.out
    assert f"  {name} has " in printed.out
    part.write_bytes(part.read_bytes()[:-1])
    assert "DAMAGED" not in call("status", "--data", data).out
    undamaged = part.read_bytes()
    _flip(part)
    assert _run(home, data, "--quiet").err.startswith("run ")
    printed = call("status", "--data", data, "--json")
    assert [(one["path"], one["problem"]) for one in json.loads(printed.out)["damage"]] == [(name, damages.OTHER_BYTES)]
    part.write_bytes(undamaged)
    assert "DAMAGED" not in call("status", "--data", data).out


def test_a_damaged_part_of_message_texts_has_its_texts_kept_again_when_they_are_met(home: Path, data: Path) -> None:
    (part, *_) = (one for one in committed_parts(read_runs(Layout(data)), "message_texts") if one.rows)
    (data / part.path).unlink()
    (home / "plans/other").mkdir()
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("do 7", 1))
    ran = _run(home, data, "--json")
    assert ran.code == ExitCode.FIXITY
    assert [one["path"] for one in json.loads(ran.out)["damage"]] == [part.path]
    made = [one for one in committed_parts(read_runs(Layout(data))[-1:], "message_texts") if one.rows]
    assert sum(one.rows for one in made) == part.rows


def test_every_part_is_digested_within_so_many_days(home: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damages, "_SMALL", 0)
    runs = read_runs(Layout(data))
    parts = {part.path for run in runs for phase in run.phases for part in phase.parts}
    for path in parts:
        _flip(data / path)
    today, found, most = datetime(2026, 2, 20, 12, tzinfo=UTC), set[str](), 0
    for days in range(SLOTS):
        runs[-1].started_at = (today + timedelta(days=days)).isoformat()
        met = look_at_parts(Layout(data), runs, today + timedelta(days=days + 1))
        most = max(most, len(met))
        assert not look_at_parts(Layout(data), runs, today + timedelta(days=days, hours=1))
        found |= {one.path for one in met}
    assert found == parts
    assert most < len(parts) / 3
    runs[-1].started_at = "2020-01-01T00:00:00+00:00"
    assert {one.path for one in look_at_parts(Layout(data), runs, today)} == parts


def _groups(data: Path) -> list[list[str]]:
    """Return a file of each kind that a run relies on (all but indexes, reports, the lock and warehouses), in groups of
    files that may be damaged together: their damage hides no damage of others. In a soak, each file is alone, and files
    of different phases and of different tables of sources are different kinds.
    """
    files = (path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file() and not path.is_symlink())
    own = ("cache/", "warehouse/", "writer.lock")
    names = [name for name in sorted(files, reverse=True) if not name.startswith(own) and "/report." not in name]
    kinds = {name: re.sub(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}", "RUN", name) for name in names}
    if WHOLE:
        return [[name] for name in {kind: name for name, kind in kinds.items()}.values()]
    sources = "|".join(("titles", "records", "prompts", "project_directories", "plans"))
    kinds = {name: re.sub(rf"phase-\d|tables/({sources})/", "", kind) for name, kind in kinds.items()}
    chosen = list({kind: name for name, kind in kinds.items()}.values())
    together = [[name for name in chosen if name.startswith(start)] for start in ("tables/", "copies/")]
    return [*together, *([name] for name in chosen if not name.startswith(("tables/", "copies/")))]


@pytest.mark.sampled
@pytest.mark.parametrize("damage", [_delete, _flip, _cut_short])
def test_whatever_is_damaged_a_run_keeps_what_is_new_names_it_and_ends_with_3(
    damage: Callable[[Path], None], home: Path, data: Path, tmp_path: Path
) -> None:
    """Each kind of file is damaged in one of three ways; the soak's `damages` has all."""
    unseen = []
    ways: list[Callable[[Path], None]] = [_delete, _flip, _cut_short]
    for number, names in list(enumerate(_groups(data)))[ways.index(damage) :: 3]:
        place = tmp_path / str(number)
        shutil.copytree(data, place, symlinks=True)
        for name in names:
            damage(place / name)
        new = home / f"plans/new-{number}.md"
        new.write_text(f"# new {number}\n" * 50)
        ran = _run(home, place)
        if ran.code == 0:
            unseen += names
            continue
        assert ran.code == ExitCode.FIXITY, (names, ran.out, ran.err)
        claims = _claims(place, ran)
        assert re.search(r"(?<!not )\bverified", claims, re.IGNORECASE) is None, names
        assert [name for name in names if name not in claims] == []
        assert _kept(place)[f"plans/new-{number}.md"] == new.read_bytes()
        assert _kept(place) == _held(home)
        shutil.rmtree(place)
    # A run makes second copies again without a message, and lists of digests in text from the files that it checked.
    derived = ("copies/", "homes.json")
    assert [name for name in unseen if not name.startswith(derived) and not name.endswith("-sha256.txt")] == []


@pytest.mark.parametrize("damage", [_delete, _flip, _cut_short])
def test_what_has_a_second_copy_is_put_back_and_the_next_run_is_clean(
    damage: Callable[[Path], None], home: Path, data: Path
) -> None:
    runs = read_runs(Layout(data))
    for run in runs:
        damage(data / f"runs/{run.run_id}/run.json")
        for part in committed_parts([run], "manifest"):
            damage(data / part.path)
    damage(data / "head.json")
    ran = _run(home, data)
    assert "put back from its second copy" in ran.out
    assert ran.code == ExitCode.FIXITY
    assert re.search(r"damaged files of the archive were restored\n(.*\n)+Nothing of it is left to mend", ran.out)
    claims = _claims(data, ran)
    assert re.search(r"is damaged|(?<!not )\bverified", claims, re.IGNORECASE) is None, claims
    assert _run(home, data).code == 0
    ran = call("verify", "--data", data)
    assert ran.code == 0, ran.out
    # A record that is put back is written as a new revision.
    assert [replace(run, revision=1) for run in read_runs(Layout(data))[:2]] == [
        replace(run, revision=1) for run in runs
    ]
    assert _kept(data) == _held(home)


@pytest.mark.parametrize("number", [0, 1])
def test_a_run_that_is_gone_altogether_is_named_by_its_epoch_and_nothing_of_others_is_lost(
    number: int, home: Path, data: Path
) -> None:
    gone = read_runs(Layout(data))[number].run_id
    shutil.rmtree(data / "runs" / gone)
    shutil.rmtree(data / "copies/runs" / gone)
    assert call("gc", "--data", data, "--yes").code == ExitCode.FIXITY
    (home / "plans/new.md").write_text("# new\n")
    ran = _run(home, data)
    assert ran.code == ExitCode.FIXITY
    assert f"has no record of the run of epoch {number + 1}" in ran.out
    epochs = [run.epoch for run in read_records(Layout(data))[0]]
    assert epochs == [epoch for epoch in (1, 2, 3) if epoch != number + 1]
    assert any((data / "store").rglob(f"run={gone}/*.parquet"))
    assert call("verify", "--data", data).code == ExitCode.FIXITY
    assert _kept(data) == _held(home)
    assert _run(home, data).code == ExitCode.FIXITY


def test_a_commit_record_of_a_version_that_knew_no_damage_is_still_read(data: Path) -> None:
    fields = read_runs(Layout(data))[0].to_json()
    del fields["damage"]
    assert RunRecord.from_json(fields).damage == []


def test_a_published_warehouse_that_changed_goes_when_the_next_run_builds_another(home: Path, data: Path) -> None:
    warehouse = (data / "warehouse.duckdb").resolve()
    warehouse.chmod(0o600)
    _flip(warehouse)
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("even later"))
    assert _run(home, data).code == 0
    assert not warehouse.exists()
    assert call("verify", "--data", data).code == 0


def test_small_files_that_changed_or_hold_another_file_are_found_by_the_next_run_and_put_back(
    home: Path, data: Path
) -> None:
    layout = Layout(data)
    first = read_runs(layout)[0]
    record = layout.commit_record(first.run_id)
    report, *_ = layout.reports(first.run_id)
    copy = layout.copy_of(data / committed_parts([first], "manifest")[0].path)
    record.write_bytes(record.with_name("report.json").read_bytes())
    layout.homes_file.write_bytes(layout.archive_file.read_bytes())
    for path in (report, copy):
        _flip(path)
    assert _run(home, data).code == ExitCode.FIXITY
    assert {one.path for one in read_runs(layout)[-1].damage} >= {layout.relative(path) for path in (record, copy)}
    assert RunRecord.from_json(json.loads(unsealed(record.read_bytes(), ".json"))).run_id == first.run_id
    assert call("repair", "--data", data, "--yes").code == 0
    assert _run(home, data).code == 0
    assert call("verify", "--data", data).code == 0


def test_an_older_list_of_evidence_is_found_and_the_newer_copy_counts(home: Path, data: Path) -> None:
    layout = Layout(data)
    older = layout.evidence_file.read_bytes()
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("even later"))
    assert _run(home, data).code == 0
    layout.evidence_file.write_bytes(older)
    assert _run(home, data).code == ExitCode.FIXITY
    assert "is an older version of itself" in read_runs(layout)[-1].damage[0].problem
    assert call("verify", "--data", data).code == 0


def test_a_pipe_in_the_place_of_a_file_is_waited_for_by_no_command(home: Path, data: Path) -> None:
    first = read_runs(Layout(data))[0]
    for path in (Layout(data).commit_record(first.run_id), _store_parts(data)[0]):
        path.unlink()
        os.mkfifo(path)
    (home / "new.md").write_text("# new\n")
    found = call("verify", "--data", data)
    assert found.code == ExitCode.FIXITY
    assert re.search(
        r"^R201 .*\n +The commit record was changed or damaged: not a regular file\.$", found.out, re.MULTILINE
    )
    assert "Move it out" not in found.out
    assert _run(home, data).code == ExitCode.FIXITY
    assert call("verify", "--data", data).code == ExitCode.FIXITY
    assert call("repair", "--data", data, "--yes").code == 0
    assert call("verify", "--deep", "--data", data).code == 0
    assert _run(home, data).code == 0
