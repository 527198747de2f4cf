"""Puts a report together: overview first, alarms next, then each section that has something to say."""

from collections.abc import Iterator

from models.amounts import count, duration, moment, plural, size
from pipelines.report.content import (
    contradictions_section,
    drift_section,
    more,
    quarantine_section,
    repairs_section,
    sources_section,
    tails_section,
)
from pipelines.report.document import Code, Document, Item, Items, Section, Tile, Tone, paragraph
from pipelines.report.facts import Facts
from pipelines.report.findings import findings_section
from pipelines.report.standing import (
    fixity_section,
    limits_section,
    listed_section,
    not_done_section,
    size_section,
    time_section,
    withheld_section,
)


def document_of(facts: Facts) -> Document:
    """Return the report of the facts."""
    run = facts.run
    homes = plural(len(facts.homes), "home")
    how = "everything read again" if run.is_full else "what is new"
    return Document(
        run_id=run.run_id,
        level=facts.verdict.level,
        headline=facts.verdict.headline,
        claim=facts.claim,
        subtitle=f"{moment(run.started_at)}, {duration(run.seconds)}, {homes}, {how}",
        tiles=list(_tiles(facts)),
        notices=facts.notices,
        sections=list(_sections(facts)),
        footer=_footer(facts),
    )


def _tiles(facts: Facts) -> Iterator[Tile]:
    total, kept = facts.total, facts.fixity.kept
    yield Tile("files read", count(total.files_read), f"of {count(total.files_found)} found")
    yield Tile("bytes read", size(total.bytes_read), f"{size(total.bytes_kept_new)} new to the store")
    yield Tile("entries", count(total.entries), f"{count(total.rows)} rows")
    yield Tile("new messages", count(total.messages_new), f"{count(total.messages_duplicate)} seen before")
    yield Tile("in quarantine", count(total.rejects), "", "warn" if total.rejects else "good")
    held = kept.intact + kept.appended
    tone: Tone = "good" if held == kept.files else "bad" if kept.corrupt else "warn"
    yield Tile("hold the kept bytes", count(held), f"of {plural(kept.files, 'kept file')}", tone)


def _sections(facts: Facts) -> Iterator[Section]:
    if not facts.balance.holds:
        yield contradictions_section(facts)
    if facts.damage.total:
        yield _damage_section(facts)
    if facts.problems.total:
        yield _problems_section(facts)
    if facts.findings.total:
        yield findings_section(facts)
    yield sources_section(facts)
    if facts.rejects:
        yield quarantine_section(facts)
    if facts.repairs:
        yield repairs_section(facts)
    if facts.tails.files.total or facts.tails.log_files:
        yield tails_section(facts)
    if facts.drift.items.total:
        yield drift_section(facts)
    yield fixity_section(facts)
    if facts.verifications and not facts.findings.total:
        yield findings_section(facts)
    if facts.withheld:
        yield withheld_section(facts)
    if any(rule.files for rule in facts.listed):
        yield listed_section(facts)
    if facts.not_done:
        yield not_done_section(facts)
    yield time_section(facts)
    yield size_section(facts)
    if none := _none_found(facts):
        yield Section("none", "Looked for, and none found", [paragraph(f"{', '.join(none)}.")])
    yield limits_section()


def _damage_section(facts: Facts) -> Section:
    lead = paragraph(
        "Files that earlier runs committed are gone or not what was written. What this run read is kept. Of the lost "
        f"pieces of files, {plural(facts.stored_again, 'one was', 'were')} found again in the homes and stored again."
    )
    items = Items([Item(Code(one.path), f"{one.problem} (of run {one.run_id})", "bad") for one in facts.damage.shown])
    advice = paragraph(
        "What to do: ",
        Code("extract verify"),
        " says which files of the homes lack bytes now. Put the named files "
        "back from a backup of the data directory, if there is one.",
        is_quiet=True,
    )
    return Section("damage", "Damage of the archive", [lead, items, *more(facts.damage), advice], "bad")


def _problems_section(facts: Facts) -> Section:
    lead = paragraph("Files of the archive are not what was committed, so this report lacks what they held.")
    items = Items([Item(Code(problem), tone="bad") for problem in facts.problems.shown])
    return Section("problems", "What could not be read back", [lead, items, *more(facts.problems)], "bad")


def _none_found(facts: Facts) -> list[str]:
    """Return what was looked for and not found: nothing found must never look like nothing looked for."""
    looked = {
        "entries in quarantine": facts.rejects,
        "repairs": facts.repairs,
        "waiting tails": facts.tails.files.total + facts.tails.log_files,
        "unknown fields or record types": facts.drift.items.total,
        "withheld files": facts.withheld,
        "files that are only listed": any(rule.files for rule in facts.listed),
        "files changed, grown, gone or unreadable": facts.fixity.files.total,
        "paths that came into being meanwhile": facts.fixity.appeared.total,
    }
    return [what for what, found in looked.items() if not found]


def _footer(facts: Facts) -> list[str]:
    run = facts.run
    where = "; ".join(f"{home.home_id}: {home.directory}" for home in facts.homes)
    return [
        f"Run {run.run_id}, number {count(run.earlier_runs + 1)} of this archive (epoch {run.epoch}), {run.status}.",
        f"Made by version {run.tool_version} of the program.",
        f"Homes: {where}.",
        "Sizes are in units of a thousand, times in UTC. report.json holds the same facts, bounded alike.",
    ]
