"""The report of runs with trouble: unreadable paths, counts that do not balance, damage, drift, hostile names."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.finding import Finding, Level, Severity
from models.observer import Observer
from models.run import PartRecord, RunRecord
from models.schema import Value
from pipelines.archive import archive as archives
from pipelines.archive.archive import committed_parts, read_runs
from pipelines.archive.findings_file import Verification, keep_verification
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout
from pipelines.report.listing import EXAMPLES, LIMIT
from pipelines.report.parts import PartReader
from pipelines.report.places import Paths
from pipelines.report.quarantine import read_rejects
from pipelines.report.summary import tiles
from pipelines.run.extraction import Request
from pipelines.run.pipeline import exit_code_of, run_job
from tests.report.reported import SESSION, extract_while, facts_of, line, record, reports, write
from tests.report.test_report_markup import check_page
from tests.support import extract, rows


def tamper(
    data: Path, run: RunRecord, table: str, column: str, change: Callable[[Sequence[Value]], list[Value]]
) -> None:
    """Rewrite a column of a committed part and commit it as if it had always been so."""
    layout = Layout(data)
    for phase in run.phases:
        for number, part in enumerate(phase.parts):
            if part.table == table and part.rows:
                path = layout.root / part.path
                held = pq.read_table(path, partitioning=None)
                place = held.schema.get_field_index(column)
                values = pa.array(change(held[column].to_pylist()), held.schema.field(column).type)
                pq.write_table(held.set_column(place, held.schema.field(column), values), path)
                raw = path.read_bytes()
                phase.parts[number] = PartRecord(part.path, table, part.rows, len(raw), sha256(raw).hexdigest())
                archives.commit(layout, run)
                return
    raise AssertionError(f"no part of {table}")


def test_a_path_that_cannot_be_read_makes_the_run_incomplete(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    path = write(home, "history.jsonl", line())
    write(home, "CLAUDE.md", "# Notes\n")

    def replace_by_link() -> None:
        path.unlink()
        path.symlink_to("CLAUDE.md")

    run = extract_while(data, home, replace_by_link, before_reading=True, phases=(1, 8))
    facts = facts_of(data, run)
    assert facts.verdict.headline == "Incomplete: 1 path could not be read"
    assert facts.claim.startswith("Verified as far as files could be read: 1 file was read")
    assert facts.fixity.never_read == 1
    assert [file.outcome for file in facts.fixity.files.shown] == ["unreadable"]


def test_what_came_into_being_meanwhile_is_named(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    write(home, "history.jsonl", line())
    run = extract_while(data, home, lambda: write(home, "plans/new.md", "# New\n"))
    assert facts_of(data, run).fixity.appeared.shown == ["home:plans", "home:plans/new.md"]
    assert "home:plans/new.md" in reports(data, run)["md"]


def test_a_file_gone_since_the_last_run_stays_kept_and_is_named_once(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    write(home, "history.jsonl", line())
    gone = [write(home, f"plans/{number}.md", "# Plan\n") for number in range(12)]
    extract(data, home, phases=(1, 4))
    for path in gone:
        path.unlink()
    facts = facts_of(data, extract(data, home, phases=(1, 4)))
    assert (facts.fixity.expired_now, facts.fixity.expired_before, facts.fixity.kept.files) == (12, 0, 1)
    assert {file.outcome for file in facts.fixity.files.shown} == {"expired"}
    assert any("12 of 13 archived files disappeared" in notice for notice in facts.notices)
    again = facts_of(data, extract(data, home, phases=(1, 4)))
    assert (again.fixity.expired_now, again.fixity.expired_before, again.fixity.files.total) == (0, 12, 0)


def test_gone_files_are_counted_by_the_directory_of_their_project(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    write(home, "projects/-work-kept/a.jsonl", "{}\n")
    gone = [write(home, f"projects/-work-{name}.jsonl", "{}\n") for name in ("ab/1", "ab/2", "cd/3")]
    extract(data, home, phases=(7,))
    for path in gone:
        path.unlink()
    run = extract(data, home, phases=(7,))
    found = facts_of(data, run).standing.gone_projects
    assert [(one.directory, one.files) for one in found] == [("-work-ab", 2), ("-work-cd", 1)]
    assert "kept here, by project" in reports(data, run)["html"]


def test_other_content_under_the_same_size_and_times_is_reported_first(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    tamper(data, run, "manifest", "outcome", lambda values: ["corrupt", *values[1:]])
    facts = facts_of(data, run)
    assert facts.verdict.level == "broken"
    assert facts.claim.startswith("Not verified: ")
    assert facts.fixity.files.shown[0].outcome == "corrupt"
    assert "level-broken" in reports(data, run)["html"]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("entry_count", "home:history.jsonl@0+"),
        ("row_count", "its files add up to"),
    ],
)
def test_counts_that_do_not_balance_are_reported_first(plain: Path, tmp_path: Path, column: str, words: str) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    tamper(data, run, "extractions", column, lambda values: [int(str(value)) + 1 for value in values])
    facts, made = facts_of(data, run), reports(data, run)
    assert not facts.balance.holds
    assert facts.verdict.headline == "The counts of this run contradict one another"
    assert any(words in line for line in facts.balance.contradictions.shown)
    assert made["md"].index("## ✗ Counts that contradict one another") < made["md"].index("## What was read")
    assert "This equation holds" not in made["md"]


def test_a_quarantine_that_lost_an_entry_contradicts_the_commit_record(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    for phase in run.phases:
        phase.parts[:] = [part for part in phase.parts if part.table != "rejects"]
    facts = facts_of(data, run)
    assert any("1 entry was rejected, 0 in quarantine" in one for one in facts.balance.contradictions.shown)


@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_a_changed_or_missing_committed_file_is_reported_and_nothing_is_called_verified(
    plain: Path, tmp_path: Path, harm: str
) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    path = Layout(data).root / committed_parts([run], "rejects")[0].path
    if harm == "gone":
        path.unlink()
    else:
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    facts, made = facts_of(data, run), reports(data, run)
    assert facts.problems.total == 1
    assert facts.verdict.level == "broken"
    assert "What could not be read back" in made["md"]
    assert "verified" not in [tile.label for tile in tiles(facts)]
    assert "What was verified" not in made["md"] + made["html"]
    assert "this report lacks 1 row of rejects" in facts.problems.shown[0]


def test_lists_are_cut_and_say_how_many_are_left_out_and_how_to_list_them(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    lines = ["not json\n"] * 60 + [line("x", f',"field{number}":1') for number in range(70)]
    write(home, "history.jsonl", "".join(lines))
    run = extract(data, home, phases=(1,))
    facts, made = facts_of(data, run), reports(data, run)
    (group,) = facts.rejects
    assert (group.examples.total, len(group.examples.shown)) == (60, EXAMPLES)
    assert (facts.drift.items.total, len(facts.drift.items.shown)) == (70, LIMIT)
    assert "and 50 more. To list all: `extract sql " in made["md"]
    assert "and 20 more. To list all: `extract sql " in made["md"]


def test_what_a_reading_gave_that_does_not_count_is_not_in_the_quarantine(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    history = {int(str(row["file_id"])) for row in rows(data, "rejects") if row["source"] == "history"}
    groups = read_rejects(PartReader(Layout(data)), run, history, Paths())
    assert set(groups.by_home_and_source()) == {("home", "projects")}


def test_drift_is_new_once_and_bears_the_lowest_version(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    path = write(home, f"projects/-c/{SESSION}.jsonl", record("odd-kind", "2.1.10"))
    first = facts_of(data, extract(data, home, phases=(7,)))
    assert all(item.is_first for item in first.drift.items.shown)
    path.write_bytes(path.read_bytes() + (record("odd-kind", "2.1.9") + record("odder-kind", "2.1.9")).encode())
    run = extract(data, home, phases=(7,))
    second = facts_of(data, run)
    types = {item.name: item for item in second.drift.items.shown if item.what == "record_type"}
    assert (types["odd-kind"].is_first, types["odder-kind"].is_first) == (False, True)
    assert types["odd-kind"].first_version == "2.1.9"
    assert types["odd-kind"].first_run_id == first.run.run_id
    assert second.drift.items.shown[0].name == "odder-kind"
    assert "new in this run" in reports(data, run)["md"]


def test_a_run_of_some_phases_says_what_it_did_not_do(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = extract(data, plain, phases=(1, 7))
    run = extract(data, plain, phases=(1,))
    facts = facts_of(data, run)
    assert [one.phase for one in facts.not_done] == [2, 3, 4, 5, 6, 7, 8]
    assert {one.phase: one.last_run_id for one in facts.not_done}[7] == first.run_id
    assert {one.phase: one.last_run_id for one in facts.not_done}[8] is None
    made = reports(data, run)["md"]
    assert "## Phases that this run did not do" in made
    assert "**Gone from the home:** None of the archived files of the phases that this run did." in made


def test_findings_of_verifications_are_shown_and_errors_break_the_verdict(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    layout = Layout(data)
    note = Finding("Z901", Severity.INFORMATION, "<b>one</b>", "a\x1b", "Do b.")
    error = Finding("Z902", Severity.ERROR, "Two.", "c", "Do d.")
    keep_verification(layout, run.run_id, Verification("2026-01-18T08:21:52+00:00", Level.QUICK, "1", [note]))
    assert facts_of(data, run).verdict.level != "broken"
    keep_verification(layout, run.run_id, Verification("2026-01-19T08:21:52+00:00", Level.SOURCE, "1", [error, note]))
    facts, made = facts_of(data, run), reports(data, run)
    assert [finding.code for finding in facts.findings.shown] == ["Z902", "Z901"]
    assert facts.verdict.headline == "Verification found 1 error"
    assert "extract verify found 1 error" in facts.claim
    assert "&lt;b&gt;one&lt;/b&gt;" in made["html"]
    assert "\x1b" not in made["html"]
    assert made["md"].index("Findings of extract verify after this run") < made["md"].index("## What was read")
    (layout.run(run.run_id) / "findings.json").write_bytes(b"{")
    assert any("cannot be read" in notice for notice in facts_of(data, run).notices)


def test_a_verification_without_findings_is_announced_too(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    keep_verification(Layout(data), run.run_id, Verification("2026-01-18T08:21:52+00:00", Level.DEEP, "1", []))
    assert "2026-01-18 08:21 UTC, level deep: nothing found." in reports(data, run)["md"]


def test_hostile_names_and_texts_are_shown_and_obeyed_in_no_form(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    name = "<script>alert(1)|`'\"[x](javascript:alert(2))\x1b[2J\u202egnp.md"
    write(home, f"plans/{name}", "# Plan\n")
    write(home, f"projects/{name[:-3]}/{SESSION}.jsonl", "not json\n" + record("odd", "<img src=x onerror=alert(3)>"))
    write(home, f"channels/{name}", "secret")
    odd = "<svg onload=alert(4)>\\u001b[31m\\u202e|`<!--" + "z" * 10_000
    write(home, "history.jsonl", line("x", f',"{odd}":1'))
    plan = home / "plans" / name
    run = extract_while(data, home, lambda: plan.write_bytes(b"# Plan\nmore\n"), phases=(1, 4, 7, 8))
    made = reports(data, run)
    reader = check_page(made["html"])
    assert "<script>alert(1)" in "".join(reader.said)
    assert not {"script", "img"} & reader.tags
    assert "<img" not in made["html"]
    for text in made.values():
        assert not {"\x1b", "\u202e", "\x9b"} & set(text)
        assert len(text) < 200_000
    assert "z" * 1000 not in made["json"]


def test_two_homes_are_distinguished(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(tmp_path / "one", "history.jsonl", line())
    write(tmp_path / "two", "history.jsonl", line() * 2 + "not json\n")
    run = extract(data, tmp_path / "one", tmp_path / "two", phases=(1,))
    facts = facts_of(data, run)
    found = {one.home_id: one.counts.entries for one in facts.sources if one.source == "history"}
    assert found == {"one": 1, "two": 3}
    assert facts.balance.holds
    assert "| Home | Source |" in reports(data, run)["md"]


def test_a_home_with_nothing_in_it_has_a_report_too(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    run = extract(tmp_path / "data", tmp_path / "home")
    run.status = "complete"
    facts = facts_of(tmp_path / "data", run)
    assert facts.verdict.headline == "Nothing to verify: no file was read"
    check_page(reports(tmp_path / "data", run)["html"])


def test_the_whole_job_writes_the_reports_and_agrees_with_its_exit_code(plain: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    finished = run_job(layout, Request([(None, plain)]), Observer())
    run = read_runs(layout)[-1]
    made = orjson.loads((layout.run(run.run_id) / "report.json").read_bytes())
    assert (made["verdict"]["level"], finished.exit_code) == ("rejects", exit_code_of(run))
    assert made["run"]["status"] == "complete"
    assert made["sizes"]["warehouse"] > 0
    for kind in ("json", "md", "html"):
        path = layout.run(run.run_id) / f"report.{kind}"
        assert read_sealed(path)


def test_a_run_stopped_before_its_first_phase_has_a_report_too(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = replace(extract(data, plain, phases=(1,)), phases=[], appeared={})
    facts = facts_of(data, run)
    assert len(facts.not_done) == 8
    assert facts.claim.startswith("Nothing was verified: ")
