"""A verification finds every damage, opens no broken file, disturbs no other process, and changes nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import orjson
import pytest

from models.errors import ConfigurationError, ExitCode
from models.finding import Finding, Level, Severity
from models.findings import parts as part_codes
from models.observer import Observer
from pipelines.archive.archive import writing
from pipelines.archive.checks_file import note_checks, read_past_checks, slot_of
from pipelines.archive.findings_file import Verification, keep_verification, read_verifications
from pipelines.demo.demo import grow_home, make_home
from pipelines.disk.layout import Layout
from pipelines.report.write import write_reports
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.upkeep.rebuild import rebuild
from pipelines.upkeep.rollback import plan_rollback, roll_back
from pipelines.verify import contents, manifests, store, tables
from pipelines.verify.subset import Subset
from pipelines.verify.verify import check, verify
from tests.archives import HOME, Archive, run
from tests.command_line import call
from tests.damages import DAMAGES, in_manifest
from tests.sampled import WHOLE
from tests.support import fixture_homes, is_root


@pytest.fixture(scope="module")
def healthy(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return made_archive.copy(tmp_path_factory.mktemp("healthy"))


@pytest.fixture
def archive(healthy: Archive, tmp_path: Path) -> Iterator[Archive]:
    copy = healthy.copy(tmp_path)
    with copy.held:
        yield copy


def grave(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is not Severity.INFORMATION]


def state_of(root: Path) -> dict[Path, tuple[int, int, int]]:
    paths = [root, *root.rglob("*")]
    return {path: (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}


@pytest.mark.sampled
@pytest.mark.duckdb
def test_an_archive_of_every_fixture_home_and_its_growth_is_healthy(tmp_path: Path) -> None:
    layout, home = Layout(tmp_path / "data"), tmp_path / "demo"
    make_home(home, mb=0.3)
    fixtures = fixture_homes() if WHOLE else fixture_homes()[::5]
    for week in range(2):
        run_job(layout, Request([(None, home), *((None, home) for home in fixtures)]), Observer())
        grow_home(home, seed=week, fraction=0.3)
    assert [finding for level in (Level.QUICK, Level.DEFAULT) for finding in check(layout, level)] == []
    assert {finding.code for finding in check(layout, Level.DEEP)} == {"D107"}


def test_prefects_web_pages_are_no_findings_and_its_database_must_be_private(archive: Archive) -> None:
    pages = archive.layout.prefect / "ui" / "v2"
    pages.mkdir(parents=True)
    archive.layout.prefect.chmod(0o700)
    pages.parent.chmod(0o700)
    for path in (pages / "index.js", archive.layout.prefect / "prefect.db"):
        path.write_text("1")
        path.chmod(0o644)
    assert [finding.address for finding in check(archive.layout, Level.DEFAULT)] == ["prefect/prefect.db"]


def test_an_archive_stays_healthy_through_a_rollback_and_what_follows_it(archive: Archive) -> None:
    roll_back(archive.layout, plan_rollback(archive.layout, archive.runs[0].run_id), Observer())
    assert {finding.code for finding in check(archive.layout, Level.DEEP)} == {"D107"}
    (archive.home / "notes.md").write_bytes(b"# notes of the other branch\n")
    run(archive.layout, archive.home)
    assert {finding.code for finding in check(archive.layout, Level.DEEP)} == {"D107"}
    rebuild(archive.layout, Observer())
    assert check(archive.layout) == []


def test_what_an_undone_run_kept_is_verified_too(archive: Archive) -> None:
    last = archive.last.run_id
    roll_back(archive.layout, plan_rollback(archive.layout, archive.runs[0].run_id), Observer())
    in_manifest("later.md", 2, {"sha256": "0" * 64})(archive)
    found = [finding for finding in check(archive.layout, Level.DEEP) if finding.code == "D101"]
    assert [(finding.address, last in finding.sentence) for finding in found] == [("small:later.md", True)]


def test_all_findings_are_listed_and_the_gravest_come_first(archive: Archive) -> None:
    for code in ("P103", "R222", "F102", "S105", "F106"):
        DAMAGES[code](archive)
    found = check(archive.layout)
    assert {"P103", "R222", "F106"} <= {finding.code for finding in found}
    order = [list(Severity).index(finding.severity) for finding in found]
    assert order == sorted(order)


def test_every_broken_part_is_named_and_none_of_them_opened(archive: Archive) -> None:
    paths = sorted(archive.layout.tables.rglob("*.parquet"))
    for path in paths:
        archive.flip(path)
    found = check(archive.layout)
    broken = [finding.address for finding in found if finding.code == part_codes.BROKEN.code]
    assert broken == [archive.layout.relative(path) for path in paths]
    assert {finding.code for finding in grave(found)} == {part_codes.BROKEN.code}


def test_what_needs_a_broken_part_is_said_not_to_be_checked(archive: Archive) -> None:
    archive.flip(archive.path("store"))
    found = check(archive.layout)
    assert any(finding.code == "R143" and "every piece is in the store" in finding.sentence for finding in found)
    assert {finding.code for finding in grave(found)} == {"P103"}


@pytest.mark.skipif(is_root(), reason="root may read everything")
def test_a_part_that_must_not_be_read_is_named_and_the_others_are_verified(archive: Archive) -> None:
    archive.path("prompts").chmod(0)
    archive.flip(archive.path("entries"))
    assert {finding.code for finding in grave(check(archive.layout))} == {"F112", "P103"}


def test_a_damaged_content_whose_digests_were_made_to_agree_is_found_by_the_deep_check_alone(archive: Archive) -> None:
    DAMAGES["D103"](archive)
    assert grave(check(archive.layout)) == []
    codes = {finding.code for finding in check(archive.layout, Level.DEEP)}
    assert {"D103", "D102"} <= codes


def test_nothing_below_the_data_directory_is_touched(archive: Archive) -> None:
    before = state_of(archive.layout.root)
    for level in Level:
        check(archive.layout, level)
    assert state_of(archive.layout.root) == before


def test_a_run_at_work_is_not_taken_for_damage(archive: Archive) -> None:
    layout = archive.layout
    last = archive.last
    with writing(layout, "a run"):
        for code in ("F106", "F107", "F108", "F110", "W107", "W108"):
            DAMAGES[code](archive)
        (layout.cache / "pieces-new.idx").write_bytes(b"half written")
        part = archive.path("prompts")
        shutil.copy(part, part.parent.parent / f"run={last.run_id}" / "phase-1-9.parquet")
        assert [finding.code for finding in check(layout)] == ["R142"]
        archive.flip(archive.path("prompts"))
        assert {finding.code for finding in grave(check(layout))} == {"P103"}
    assert {"F106", "F107", "W107"} <= {finding.code for finding in check(layout)}


def test_verifying_keeps_no_run_from_starting(archive: Archive) -> None:
    script = "from pathlib import Path; from pipelines.disk.layout import Layout; "
    script += "from pipelines.verify.verify import check; "
    script += f"[check(Layout(Path({str(archive.layout.root)!r}))) for _ in range(2)]"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen([sys.executable, "-c", script], env=env) as other:
        for _ in range(3):
            run(archive.layout, archive.home)
        assert other.wait() == 0
    assert check(archive.layout) == []


def test_a_quick_look_opens_no_parquet_and_no_warehouse(archive: Archive) -> None:
    script = "import sys; opened = []; "
    script += "sys.addaudithook(lambda event, given: event == 'open' and opened.append(str(given[0]))); "
    script += "from pathlib import Path; from pipelines.disk.layout import Layout; "
    script += "from pipelines.verify.verify import Level, check; "
    script += f"found = check(Layout(Path({str(archive.layout.root)!r})), Level.QUICK); "
    script += "below = [name for name in opened if name.endswith('run.json')]; "
    script += "sys.exit(len(found) or not below or any(name.endswith(('.parquet', '.duckdb')) for name in opened))"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    assert subprocess.run([sys.executable, "-c", script], env=env, check=False).returncode == 0


@pytest.mark.duckdb
def test_every_query_gives_what_the_sentence_of_its_finding_names() -> None:
    connection = duckdb.connect()
    tables.empty_tables(connection)
    tables.complete(connection)
    for one in (*manifests.CHECKS, *contents.CHECKS, *contents.MESSAGE_CHECKS, *store.CHECKS):
        columns = connection.execute(one.query).description or ()
        assert {column[0] for column in columns} == {"address", *one.kind.parameters}, one.kind.code


def test_a_subset_is_the_same_for_the_same_seed_and_never_empty() -> None:
    names = [f"file {number}" for number in range(100)]
    assert Subset(10, 1).of(names) == Subset(10, 1).of(names) != Subset(10, 2).of(names)
    assert len(Subset(10, 1).of(names)) == 10
    assert len(Subset(0.1, 1).of(names[:3])) == 1
    new = Subset(1, 1, since="2026-12-01T09:00:00+01:00")
    picked, run_ids = new.of(names), ["20261201T075959Z-ffffff", "20261201T080000Z-000000"] * 50
    assert set(new.of(names, run_ids)) == {*picked, *range(1, 100, 2)}
    assert Subset().of(names[:3]) == [0, 1, 2]
    for percent in (0, -1, 101):
        with pytest.raises(ConfigurationError):
            Subset(percent)


def test_a_place_without_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no archive"):
        check(Layout(tmp_path / "nothing"))


def test_a_verification_is_kept_beside_the_newest_run_in_place_of_those_within_it(archive: Archive) -> None:
    last = archive.last.run_id
    finding = part_codes.GONE.at("tables/x.parquet", run=last)

    def keep(level: Level, at: str, *findings: Finding) -> None:
        keep_verification(archive.layout, last, Verification(at, level, "1", list(findings)))

    keep(Level.QUICK, "2026-01-01T00:00:00+00:00")
    keep(Level.SOURCE, "2026-01-02T00:00:00+00:00")
    keep(Level.DEFAULT, "2026-01-03T00:00:00+00:00", finding)
    kept = read_verifications(archive.layout, last)
    assert [(one.level, list(one.findings)) for one in kept] == [(Level.DEFAULT, [finding]), (Level.SOURCE, [])]
    keep(Level.DEEP, "2026-01-04T00:00:00+00:00")
    assert [one.level for one in read_verifications(archive.layout, last)] == [Level.DEEP, Level.SOURCE]
    assert check(archive.layout) == []


def test_a_verification_of_some_files_replaces_none_of_all_files(archive: Archive) -> None:
    last, data = archive.last.run_id, str(archive.layout.root)

    def kept() -> list[tuple[Level, float | None]]:
        return [(one.level, one.percent) for one in read_verifications(archive.layout, last)]

    def findings() -> list[set[str]]:
        return [{finding.code for finding in one.findings} for one in read_verifications(archive.layout, last)]

    assert call("verify", "--deep", "--subset", "10%", "--data", data).code == ExitCode.VERIFIED
    assert call("verify", "--data", data).code == ExitCode.VERIFIED
    assert kept() == [(Level.DEFAULT, None), (Level.DEEP, 10)]
    assert call("verify", "--deep", "--data", data).code == ExitCode.VERIFIED
    assert kept() == [(Level.DEEP, None)]
    for percent in (10, 20):
        assert call("verify", "--deep", "--subset", f"{percent}%", "--data", data).code == ExitCode.VERIFIED
        assert kept() == [(Level.DEEP, percent), (Level.DEEP, None)]
        assert findings() == [{"D107", "D108"}, {"D107"}]
    report = archive.layout.run(last) / "report.md"
    assert "level deep, 20 % of the files" in report.read_text(encoding="utf-8")
    assert call("verify", "--deep", "--subset", "100%", "--data", data).code == ExitCode.VERIFIED
    assert kept() == [(Level.DEEP, None)]


def test_without_room_for_a_comparison_earlier_findings_are_reported(archive: Archive) -> None:
    DAMAGES["F103"](archive)
    DAMAGES["R144"](archive)
    printed = call("verify", "--deep", "--data", str(archive.layout.root))
    assert printed.code == ExitCode.UNEXPECTED
    assert "F103 warning" in printed.out
    assert "R144 error" in printed.out
    kept = read_verifications(archive.layout, archive.last.run_id)
    assert {finding.code for finding in kept[0].findings} >= {"F103", "R144"}


def test_a_verification_keeps_what_it_found_whoever_asks_for_it(archive: Archive) -> None:
    DAMAGES["F103"](archive)
    made = verify(archive.layout)
    assert made.not_kept_because is None
    assert [finding.code for finding in made.findings] == ["F103"]
    assert read_verifications(archive.layout, archive.last.run_id) == [made]


def test_what_is_found_is_returned_where_it_cannot_be_kept(archive: Archive) -> None:
    DAMAGES["R204"](archive)
    made = verify(archive.layout)
    assert "R204" in {finding.code for finding in made.findings}
    assert made.not_kept_because is not None


def test_the_report_tells_what_was_found(archive: Archive) -> None:
    last = archive.last
    found = [part_codes.GONE.at("tables/x.parquet", run=last.run_id)]
    keep_verification(archive.layout, last.run_id, Verification("2026-01-01T00:00:00+00:00", Level.DEEP, "1", found))
    write_reports(archive.layout, last)
    report = (archive.layout.run(last.run_id) / "report.md").read_text(encoding="utf-8")
    assert "P101" in report
    assert "tables/x.parquet" in report


def test_the_command_ends_with_the_code_of_the_gravest_finding(archive: Archive) -> None:
    data = str(archive.layout.root)
    assert call("verify", "--data", data).code == ExitCode.VERIFIED
    DAMAGES["F103"](archive)
    printed = call("verify", "--data", data)
    assert (printed.code, "F103 warning" in printed.out) == (ExitCode.UNEXPECTED, True)
    DAMAGES["P103"](archive)
    printed = call("verify", "--data", data)
    assert (printed.code, "P103 error" in printed.out, "1 error, 1 warning" in printed.out) == (
        ExitCode.FIXITY,
        True,
        True,
    )
    kept = read_verifications(archive.layout, archive.last.run_id)
    assert {finding.code for finding in grave(list(kept[0].findings))} == {"F103", "P103"}


def test_the_command_gives_json_and_takes_a_subset(archive: Archive) -> None:
    data = str(archive.layout.root)
    printed = call("verify", "--deep", "--subset", "50%", "--seed", "7", "--json", "--data", data)
    value = orjson.loads(printed.out)
    assert (printed.code, value["exit_code"], value["exit_meaning"], value["level"]) == (0, 0, "verified", "deep")
    assert value["counts"] == {"error": 0, "warning": 0, "information": 2}
    assert any("with seed 7" in finding["sentence"] for finding in value["findings"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--quick", "--deep"],
        ["--subset", "10%"],
        ["--deep", "--subset", "ten"],
        ["--deep", "--subset", "0%"],
        ["--deep", "--seed", "1"],
        ["--home", "/tmp"],
    ],
    ids=" ".join,
)
def test_the_command_refuses_what_it_cannot_do(arguments: list[str], archive: Archive) -> None:
    assert call("verify", *arguments, "--data", str(archive.layout.root)).code == ExitCode.USAGE


def test_a_home_is_compared_where_it_is_now(archive: Archive) -> None:
    printed = call("verify", "--source", "--home", f"{HOME}={archive.home}", "--data", str(archive.layout.root))
    assert printed.code == ExitCode.VERIFIED
    assert "4 files have exactly the archived content" in printed.out


@pytest.mark.parametrize("code", ["R121", "R151"])
def test_a_home_is_not_compared_by_settings_or_tombstones_that_are_damaged(code: str, archive: Archive) -> None:
    DAMAGES[code](archive)
    codes = {finding.code for finding in check(archive.layout, Level.SOURCE, homes=[(HOME, archive.home)])}
    assert codes >= {code, "R143"}
    assert not any(found.startswith("H") for found in codes)


def test_checks_in_turn_do_every_file_within_28_days(archive: Archive) -> None:
    layout, day = archive.layout, datetime(2026, 11, 1, 4, tzinfo=UTC)
    for every in (1, 7):
        layout.checks_file.unlink(missing_ok=True)
        done: set[int] = set()
        for number in range(28 // every):
            now = day + timedelta(days=every * number)
            slots = read_past_checks(layout).due(now)
            note_checks(layout, ["rotate"], has_passed=True, slots=slots, at=now)
            done |= slots
        assert done == set(range(28))
        assert read_past_checks(layout).covered(now) == 100
    late = now + timedelta(days=40)
    assert read_past_checks(layout).covered(late) == 0
    assert len(read_past_checks(layout).due(late)) == 28


def test_the_shares_of_all_slots_are_all_files(archive: Archive) -> None:
    every = [part.path for run in archive.runs for phase in run.phases for part in phase.parts]
    shares = [Subset.of_slots(frozenset({slot})).of(every) for slot in range(28)]
    assert sorted(number for share in shares for number in share) == list(range(len(every)))
    part = archive.layout.root / archive.part("entries")[1].path
    part.write_bytes(part.read_bytes()[:-5] + b"xxxxx")
    mine = frozenset({slot_of(archive.layout.relative(part))})
    for slots, is_found in ((mine, True), (frozenset(range(28)) - mine, False)):
        found = {finding.code for finding in check(archive.layout, Level.DEEP, Subset.of_slots(slots))}
        assert ("P103" in found) == is_found


def test_a_check_in_turn_is_kept_and_status_tells_when_each_check_passed(archive: Archive) -> None:
    layout = archive.layout
    data = ("--data", str(layout.root))
    assert "never verified" in call("status", *data).out
    printed = call("verify", "--rotate", *data)
    assert "(deep, 25 % of the files)" in printed.out
    note_checks(layout, ["drill"], has_passed=False, at=datetime(2026, 11, 1, 4, tzinfo=UTC))
    shown = call("status", *data).out
    assert "verify --rotate passed" in shown
    assert "25 % of the files put together and compared within the last 28 days" in shown
    assert "drill FAILED 2026-11-01 04:00 UTC, passed never" in shown
    assert "no copy on another disk" in shown
    assert call("verify", "--rotate", "--deep", *data).code == ExitCode.USAGE
