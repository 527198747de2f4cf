"""The verification report of real runs: its facts are those of the commit record and of the Parquet, in every form."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from models.reject import REJECT_SENTENCES, RejectCode
from pipelines.report.listing import Listing
from pipelines.report.write import summary_markdown
from tests.report.reported import PROMPT, extract_while, facts_of, line, reports, write
from tests.report.test_report_markup import check_page
from tests.support import extract, rows, warehouse_of

LINE = PROMPT + '"}\n'


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
