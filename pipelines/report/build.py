"""Puts a report together: the short summary first, then errors, then each section that has content."""

from collections.abc import Iterator

from models.amounts import count, duration, moment, plural
from pipelines.report.alerts import alerts_section
from pipelines.report.document import Code, Document, Item, Items, Section, paragraph
from pipelines.report.facts import Facts
from pipelines.report.findings import findings_section
from pipelines.report.reading_sections import (
    contradictions_section,
    drift_section,
    more,
    quarantine_section,
    repairs_section,
    sources_section,
    tails_section,
)
from pipelines.report.state_sections import (
    fixity_section,
    limits_section,
    listed_section,
    not_done_section,
    retention_section,
    size_section,
    time_section,
    withheld_section,
)
from pipelines.report.summary import charts, points, tiles


def document_of(facts: Facts) -> Document:
    """Return the report of the facts."""
    run = facts.run
    homes = plural(len(facts.homes), "home")
    how = "every file read again" if run.is_full else "new and changed files read"
    return Document(
        run_id=run.run_id,
        level=facts.verdict.level,
        headline=facts.verdict.headline,
        claim=facts.claim,
        subtitle=f"{moment(run.started_at)}, {duration(run.seconds)}, {homes}, {how}",
        tiles=list(tiles(facts)),
        points=list(points(facts)),
        charts=list(charts(facts)),
        notices=facts.notices,
        sections=list(_sections(facts)),
        footer=_footer(facts),
    )


def _sections(facts: Facts) -> Iterator[Section]:
    if not facts.balance.holds:
        yield contradictions_section(facts)
    if facts.alerts:
        yield alerts_section(facts)
    if facts.damage.total:
        yield _damage_section(facts)
    if facts.problems.total:
        yield _problems_section(facts)
    if facts.findings.total:
        yield findings_section(facts)
    if facts.settings_changes:
        yield _settings_section(facts)
    if facts.reparsed:
        yield _reparsed_section(facts)
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
    if facts.standing.retentions:
        yield retention_section(facts)
    if facts.withheld:
        yield withheld_section(facts)
    if any(rule.files for rule in facts.listed):
        yield listed_section(facts)
    if facts.not_done:
        yield not_done_section(facts)
    yield time_section(facts)
    yield size_section(facts)
    if none := _none_found(facts):
        yield Section("none", "Checks that found nothing", [paragraph(f"{', '.join(none)}.")])
    yield limits_section()


def _damage_section(facts: Facts) -> Section:
    left = facts.damage.total - facts.mended
    lead = paragraph(
        "Files of the archive are changed or missing. This run archived the files that it read, and stored again "
        f"{plural(facts.stored_again, 'lost piece')} of files that the homes still have."
        if left
        else "Files of the archive were changed or missing, and this run restored them."
    )
    items = [
        Item(
            Code(one.path),
            f"{one.problem} (of run {one.run_id})" if one.run_id else one.problem,
            "note" if one.mended else "bad",
        )
        for one in facts.damage.shown
    ]
    advice = paragraph(
        "What to do: ",
        Code("extract verify"),
        " lists the archived files that have lost bytes, ",
        Code("extract repair"),
        " shows how they can be mended, and mends them.",
        is_quiet=True,
    )
    after = paragraph("What to do: check the disk; ", Code("extract verify"), " checks the archive.", is_quiet=True)
    more_and_advice = [*more(facts.damage), advice if left else after]
    return Section("damage", "Damage of the archive", [lead, Items(items), *more_and_advice], "bad" if left else "warn")


def _settings_section(facts: Facts) -> Section:
    lead = paragraph(
        "settings.toml differs from that of the run before. If you did not change it, correct it and run again; ",
        Code("extract forget"),
        " erases files that should have been withheld.",
    )
    return Section("settings", "Settings that changed", [lead, *map(paragraph, facts.settings_changes)])


def _reparsed_section(facts: Facts) -> Section:
    lead = paragraph(
        "The parsers of these sources changed since their files were read, or the record of them was lost, so their "
        "archived bytes were parsed again, also those of files that are gone from the homes."
    )
    items = Items(
        [
            Item(
                Code(source),
                f"{plural(one.files, 'file')}: {count(one.rows_after)} rows, {count(one.rows_before)} before"
                + (f"; {plural(one.files_left, 'file')} kept the rows it had" if one.files_left else ""),
            )
            for source, one in facts.reparsed.items()
        ]
    )
    return Section("reparsed", "Parsed again", [lead, items])


def _problems_section(facts: Facts) -> Section:
    lead = paragraph("These files of the archive are changed or missing, so this report lacks their rows.")
    items = Items([Item(Code(problem), tone="bad") for problem in facts.problems.shown])
    return Section("problems", "What could not be read back", [lead, items, *more(facts.problems)], "bad")


def _none_found(facts: Facts) -> list[str]:
    """Return the names of checks that found nothing, so that these differ from checks not made."""
    looked = {
        "entries in quarantine": facts.rejects or facts.standing.quarantined,
        "damaged entries that could be recovered": facts.repairs,
        "incomplete last lines": facts.tails.files.total + facts.tails.log_files,
        "unknown fields or record types": facts.drift.items.total,
        "files to be withheld": facts.withheld,
        "files to be listed only": any(rule.files for rule in facts.listed),
        "files that changed, grew, disappeared or could not be read": facts.fixity.files.total,
        "paths that appeared while the run worked": facts.fixity.appeared.total,
    }
    return [name for name, found in looked.items() if not found]


def _footer(facts: Facts) -> list[str]:
    run = facts.run
    where = "; ".join(f"{home.home_id}: {home.directory}" for home in facts.homes)
    return [
        f"Run {run.run_id}, number {count(run.earlier_runs + 1)} of this archive (epoch {run.epoch}), {run.status}.",
        f"Made by version {run.tool_version} of the program.",
        f"Homes: {where}.",
        "Sizes are in units of a thousand, times in UTC. report.json has the same facts, as briefly.",
    ]
