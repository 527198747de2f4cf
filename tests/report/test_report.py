"""The verification report of real runs: its facts are those of the commit record and of the Parquet, in every form."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.finding import Finding, Level, Severity
from models.observer import FileRead, Observer
from models.reject import REJECT_SENTENCES, RejectCode
from models.run import PartRecord, RunRecord
from models.schema import Value
from pipelines.archive import archive as archives
from pipelines.archive.archive import committed_parts, read_runs, writing
from pipelines.archive.findings_file import Verification, keep_verification
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout
from pipelines.report.facts import Facts
from pipelines.report.listing import EXAMPLES, LIMIT, Listing
from pipelines.report.parts import PartReader
from pipelines.report.places import Paths
from pipelines.report.quarantine import read_rejects
from pipelines.report.summary import tiles
from pipelines.report.write import collect_facts, summary_markdown, write_reports
from pipelines.run.extraction import Request, extract_homes
from pipelines.run.pipeline import exit_code_of, run_job
from tests.report.test_report_markup import check_page
from tests.support import extract, rows, warehouse_of

SESSION = "0a1b2c3d-0000-4000-8000-00000000000a"
PROMPT = (
    '{"display":"%s","pastedContents":{},"timestamp":1768724512305,"project":"/home/u/code","sessionId":"' + SESSION
)
LINE = PROMPT + '"}\n'


def line(text: str = "do it", extra: str = "") -> str:
    return (PROMPT + '"%s}\n') % (text, extra)


def record(kind: str, version: str, extra: str = "") -> str:
    return (
        f'{{"type":"{kind}","uuid":"0a1b2c3d-0000-4000-8000-00000000000b","parentUuid":null,"isSidechain":false,'
        f'"userType":"external","cwd":"/c","sessionId":"{SESSION}","version":"{version}",'
        f'"timestamp":"2026-01-18T08:21:52.305Z"{extra}}}\n'
    )


def write(home: Path, name: str, text: str) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A home in which a bit of everything is."""
    home = tmp_path / "home"
    write(home, "history.jsonl", line() + "not json\n" + line("a \\ud83d b") + line("again", ',"newField":1') + '{"di')
    write(home, f"projects/-c/{SESSION}.jsonl", record("odd-kind", "2.1.10") + '[1]\n"x"\n')
    write(home, f"debug/{SESSION}.txt", "2026-01-18T08:21:52.305Z [DEBUG] one\n2026-01-18T08:21:53.305Z [DEBUG] two\n")
    write(home, ".credentials.json", "{}")
    write(home, "plugins/cache/a/b.md", "# b\n")
    write(home, "CLAUDE.md", "# Notes\n")
    return home


def facts_of(data: Path, run: RunRecord) -> Facts:
    return collect_facts(Layout(data), run)


def reports(data: Path, run: RunRecord) -> dict[str, str]:
    write_reports(Layout(data), run)
    directory = Layout(data).run(run.run_id)
    return {kind: read_sealed(directory / f"report.{kind}").decode() for kind in ("json", "md", "html")}


def extract_while(
    data: Path, home: Path, change: Callable[[], object], *, before_reading: bool = False, phases: Sequence[int] = (1,)
) -> RunRecord:
    """Run over a home that `change` changes: before the first file is read, or between reading and the last digest."""

    class Meddler(Observer):
        is_done = False

        def step_begins(self, name: str, size: int | None = None) -> None:
            if before_reading and size is not None and not self.is_done:
                self.is_done = True
                change()

        def file_read(self, read: FileRead) -> None:
            if not before_reading and not self.is_done:
                self.is_done = True
                change()

    layout = Layout(data)
    with writing(layout, "test"):
        return extract_homes(layout, Request([(None, home)], phases), Meddler()).record


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


def test_facts_equal_what_the_commit_record_and_the_parquet_say(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    facts = facts_of(data, run)
    kept = rows(data, "rejects")
    assert facts.total.entries == sum(counts.entries for phase in run.phases for counts in phase.sources.values())
    assert {group.code: group.examples.total for group in facts.rejects} == Counter(row["code"] for row in kept)
    assert facts.reject_count == len(kept) == 3
    assert all(group.sentence == REJECT_SENTENCES[RejectCode(group.code)] for group in facts.rejects)
    assert {group.flag: group.examples.total for group in facts.repairs} == Counter(
        row["flag"] for row in rows(data, "repairs")
    )
    manifest = rows(data, "manifest")
    assert {one.outcome: one.files + one.others for one in facts.fixity.outcomes} == Counter(
        row["outcome"] for row in manifest
    )
    assert facts.balance.holds
    assert facts.fixity.kept.files == facts.fixity.kept.intact == facts.fixity.kept.read == 4
    assert facts.sizes.run_store + facts.sizes.run_tables == sum(p.size for phase in run.phases for p in phase.parts)
    assert [rule.rule for rule in facts.withheld] == ["credentials"]
    assert facts.withheld[0].names.shown == ["home:.credentials.json"]
    assert [(rule.rule, rule.files) for rule in facts.listed if rule.files] == [("plugin-tree", 1)]
    assert facts.problems.total == facts.findings.total == 0


def test_an_example_is_found_at_its_address(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    facts = facts_of(data, extract(data, plain))
    (not_json,) = [group for group in facts.rejects if group.code == "not_json"]
    (example,) = not_json.examples.shown
    path, _, span = example.address.removeprefix("home:").rpartition("@")
    offset, length = (int(part) for part in span.split("+"))
    assert (plain / path).read_bytes()[offset : offset + length].strip() == b"not json"


def test_lines_without_an_end_wait_and_the_last_events_of_logs_are_counted_apart(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    tails = facts_of(data, extract(data, plain)).tails
    assert [tail.tail_bytes for tail in tails.files.shown] == [len('{"di')]
    assert (tails.files.total, tails.size, tails.log_files) == (1, 4, 1)
    assert tails.log_size > 0


def test_the_json_is_exactly_the_facts(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    made = orjson.loads(reports(data, run)["json"])
    assert made == orjson.loads(orjson.dumps(facts_of(data, run).to_json()))
    assert made["claim"] == facts_of(data, run).claim


def test_every_form_says_the_claim_and_the_page_needs_nothing_else(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    made = reports(data, run)
    facts = facts_of(data, run)
    reader = check_page(made["html"])
    for said in ("".join(reader.said), made["md"], summary_markdown(facts)):
        assert facts.claim in said
        assert facts.verdict.headline in said
    for text in made.values():
        assert "tamper-proof" not in text
        assert "source unchanged" not in text
        assert "http:" not in text
        assert "https:" not in text
    for section in (
        "Entries in quarantine",
        "Entries recovered from damaged bytes",
        "Incomplete last lines",
        "Unknown fields and record types (drift)",
        "Files compared with the archived bytes (fixity)",
        "Files that were never opened (withheld)",
    ):
        assert f"## {section}" in made["md"]
        assert f"<h2>{section}</h2>" in made["html"]


def test_the_summary_of_a_run_is_short(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert len(summary_markdown(facts_of(data, extract(data, plain)))) < 1500


def test_every_sql_in_the_facts_lists_as_many_rows_as_the_report_says(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = extract(data, plain)
    facts = facts_of(data, run)
    checked = 0
    with warehouse_of(data) as connection:
        for listing in _listings(facts):
            if listing.sql is not None:
                assert len(connection.execute(listing.sql).fetchall()) == listing.total, listing.sql
                checked += listing.total > 0
        for statement in reports(data, run)["md"].split('extract sql "')[1:]:
            connection.execute(statement.partition('"')[0]).fetchall()
    assert checked >= 8


def _listings(value: object) -> list[Listing[object]]:
    if isinstance(value, Listing):
        return [value]
    if isinstance(value, list):
        return [found for one in value for found in _listings(one)]
    fields = getattr(type(value), "__dataclass_fields__", {})
    return [found for name in fields for found in _listings(getattr(value, name))]


def test_a_run_with_nothing_new_gives_a_short_report_that_says_so(plain: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = reports(data, extract(data, plain))
    run = extract(data, plain)
    run.status = "complete"
    facts, second = facts_of(data, run), reports(data, run)
    assert facts.verdict.headline == "Verified; nothing new, with 3 entries of earlier runs in quarantine"
    assert "nothing was new, so no file was read; 4 of 4 archived files in the homes still had" in facts.claim
    assert "No file was new or changed" in second["md"]
    assert len(second["md"]) < 0.7 * len(first["md"])
    assert [(one.check, one.files) for one in facts.fixity.checks] == [("xxh3", 4)]


def test_a_file_that_grew_meanwhile_is_named_and_is_no_failure(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    path = write(home, "history.jsonl", line())
    run = extract_while(data, home, lambda: path.write_bytes((line() + line("more")).encode()))
    facts = facts_of(data, run)
    assert (facts.fixity.kept.appended, facts.fixity.files.total) == (1, 1)
    (file,) = facts.fixity.files.shown
    assert (file.address, file.outcome, file.check) == ("home:history.jsonl", "appended", "xxh3")
    assert file.modified_at.endswith("+00:00")
    assert "1 of 1 archived file in the homes still had" in facts.claim
    assert "1 of these was appended to while the run worked" in facts.claim


@pytest.mark.parametrize(
    ("change", "outcome", "words"),
    [
        (
            lambda path: path.write_bytes(b"x" * 300),
            "modified",
            "1 file was changed while the run worked, and kept as read",
        ),
        (lambda path: path.unlink(), "missing", "1 file was gone by then, and kept as read"),
    ],
)
def test_a_file_that_its_owner_changed_or_removed_meanwhile_is_named(
    change: Callable[[Path], object], outcome: str, words: str, tmp_path: Path
) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    path = write(home, "history.jsonl", line())
    facts = facts_of(data, extract_while(data, home, lambda: change(path)))
    assert [(file.outcome, file.address) for file in facts.fixity.files.shown] == [(outcome, "home:history.jsonl")]
    assert words in facts.claim
    assert "0 of 1 archived file in the homes still had" in facts.claim


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
    assert facts.claim.startswith("Verified for what could be read: 1 file was read")
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


def test_other_content_under_the_same_size_and_times_is_told_before_all_else(plain: Path, tmp_path: Path) -> None:
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
def test_counts_that_do_not_balance_are_told_loudly(plain: Path, tmp_path: Path, column: str, words: str) -> None:
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


def test_a_verification_that_found_nothing_is_told_too(plain: Path, tmp_path: Path) -> None:
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


def test_two_homes_are_told_apart(tmp_path: Path) -> None:
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
