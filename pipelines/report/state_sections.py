"""The sections on fixity, on files that were not read, and on the run itself: time, disk space, limits."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.amounts import count, duration, moment, plural, size
from pipelines.report.document import (
    Bar,
    Block,
    Cell,
    Code,
    Item,
    Items,
    Noted,
    ReportColumn,
    ReportTable,
    Section,
    Shares,
    Tone,
    number,
    paragraph,
)
from pipelines.report.facts import Facts
from pipelines.report.file_facts import FileFact, RuleFacts
from pipelines.report.listing import sql_text
from pipelines.report.reading_sections import more

_TONES: Final[dict[str, Tone]] = {
    "intact": "good",
    "appended": "good",
    "modified": "warn",
    "missing": "warn",
    "unexpected": "note",
    "unreadable": "bad",
    "corrupt": "bad",
    "expired": "note",
    "moved": "note",
}
_FACELESS: Final = ("directory",)
"""Rules whose paths are not listed: every directory has one."""
_NAMES: Final = 3
"""The number of names shown for one rule."""


def fixity_section(facts: Facts) -> Section:
    """Compare the files at the end of the run with the archived bytes, and name the check that was made."""
    fixity = facts.fixity
    blocks: list[Block] = [*_shares(facts)]
    columns = [ReportColumn("Outcome"), number("Files"), number("Bytes"), number("Others")]
    rows: list[list[Cell]] = [
        [Noted(one.outcome, one.sentence), count(one.files), size(one.size), count(one.others)]
        for one in fixity.outcomes
    ]
    if rows:
        others = "directories and links; among the expired also files that no run had read"
        blocks += [ReportTable(columns, rows), paragraph(f"Others: {others}.", is_quiet=True)]
    if fixity.checks:
        heads = [ReportColumn("Check of the archived files"), number("Files"), number("Bytes")]
        checks: list[list[Cell]] = [
            [Noted(_CHECKS[one.check], one.sentence), count(one.files), size(one.size)] for one in fixity.checks
        ]
        blocks.append(ReportTable(heads, checks))
    if fixity.files.total:
        blocks += [
            paragraph("Files that changed, disappeared or could not be read:"),
            Items([_file(file) for file in fixity.files.shown]),
        ]
        blocks += more(fixity.files)
    if fixity.appeared.total:
        appeared = plural(fixity.appeared.total, "path", "paths")
        blocks.append(paragraph(f"{appeared} appeared while the run worked. The next run reads them:"))
        blocks.append(Items([Item(Code(address)) for address in fixity.appeared.shown]))
        blocks += more(fixity.appeared, "more, which run.json lists under “appeared”")
    if fixity.expired_before:
        blocks.append(
            paragraph(
                f"{plural(fixity.expired_before, 'file')} had disappeared before the last run already. The archive "
                "has the bytes that were read.",
                is_quiet=True,
            )
        )
    blocks += _access_times(facts)
    return Section("fixity", "Files compared with the archived bytes (fixity)", blocks)


def retention_section(facts: Facts) -> Section:
    """List the last deletions of old files by rules of the settings."""
    lead = paragraph(
        Code("extract retention"),
        " deleted these files from the archive by rules of settings.toml, with their rows, because "
        "they were old and gone from their homes. Nothing can restore them from this archive.",
    )
    columns = [ReportColumn("When"), ReportColumn("Rules"), number("Files"), number("Bytes")]
    rows: list[list[Cell]] = [
        [moment(one.deleted_at), one.rules, count(one.files), size(one.size)] for one in facts.standing.retentions
    ]
    return Section("retention", "Deleted by their age", [lead, ReportTable(columns, rows)])


_CHECKS: Final = {"sha256": "SHA-256, XXH3-128", "xxh3": "XXH3-128", "stat": "size and times", "none": "none"}


def _shares(facts: Facts) -> Iterator[Shares]:
    bars = [
        Bar(one.outcome, one.files, f"{count(one.files)} {one.outcome}", _TONES.get(one.outcome, "none"))
        for one in facts.fixity.outcomes
        if one.files
    ]
    if bars:
        yield Shares("Files by outcome", bars)


def _file(file: FileFact) -> Item:
    words = [file.outcome, file.detail, f"{size(file.size)} archived", f"last modified {moment(file.modified_at)}"]
    return Item(Code(file.address), ", ".join(word for word in words if word), _TONES.get(file.outcome, "none"))


def _access_times(facts: Facts) -> Iterator[Block]:
    kept, moved = facts.fixity.access_times_kept, facts.fixity.access_times_not_kept
    if moved:
        yield paragraph(
            f"The system let {plural(kept, 'file')} be read without changing their access times; for "
            f"{plural(moved, 'file')} it did not, so their access times may have changed. Nothing else was changed."
        )
    elif kept:
        yield paragraph(
            f"{plural(kept, 'file was', 'files were')} read without changing their access times.",
            is_quiet=True,
        )


def withheld_section(facts: Facts) -> Section:
    """Count the files that were never opened, by rule."""
    files = sum(rule.files for rule in facts.withheld)
    lead = paragraph(f"{plural(files, 'file was', 'files were')} never opened: each may contain a secret.")
    return Section(
        "withheld", "Files that were never opened (withheld)", [lead, *_names(facts, facts.withheld, "withhold")]
    )


def listed_section(facts: Facts) -> Section:
    """Count the files that were listed and not read, by rule."""
    files = sum(rule.files for rule in facts.listed)
    lead = paragraph(
        f"{plural(files, 'file is', 'files are')} listed with size and times and {_was(files)} not read. The setting ",
        Code("archive_trees = true"),
        " makes a run read them.",
    )
    rules = [rule for rule in facts.listed if rule.rule not in _FACELESS]
    return Section("listed", "Files that were listed and not read", [lead, *_names(facts, rules, "inventory")])


def _names(facts: Facts, rules: Sequence[RuleFacts], treatment: str) -> Iterator[Block]:
    if facts.fixity.kept.read:
        yield _rule_table(rules)
    else:
        yield paragraph(f"{', '.join(f'{rule.rule} {count(rule.files or rule.others)}' for rule in rules)}.")
    if not facts.fixity.kept.read or any(rule.names.total > _NAMES for rule in rules):
        sql = (
            f"SELECT rule, home_id, path, size FROM manifest WHERE {facts.manifest_sql} "
            f"AND treatment = {sql_text(treatment)} AND entry_type <> 'directory' ORDER BY ALL"
        )
        yield paragraph("To list all names: ", Code(f'extract sql "{sql}"', is_whole=True), is_quiet=True)


def _rule_table(rules: Sequence[RuleFacts]) -> ReportTable:
    columns = [ReportColumn("Rule"), number("Files"), number("Bytes"), ReportColumn("Names")]
    rows: list[list[Cell]] = []
    for rule in rules:
        names = [name.partition(":")[2] for name in rule.names.shown[:_NAMES]]
        rest = rule.names.total - len(names)
        shown_names = ", ".join(names) + (f" and {count(rest)} more" if rest else "")
        files = count(rule.files) if rule.files else plural(rule.others, "link" if rule.rule == "link" else "other")
        rows.append([Noted(Code(rule.rule), rule.why), files, size(rule.size), Code(shown_names)])
    return ReportTable(columns, rows)


def _was(files: int) -> str:
    return "was" if files == 1 else "were"


def not_done_section(facts: Facts) -> Section:
    """List the phases that the run did not do."""
    columns = [ReportColumn("Home"), number("Phase"), ReportColumn("Name"), ReportColumn("Last done by")]
    rows: list[list[Cell]] = [
        [one.home_id, str(one.phase), one.name, Code(one.last_run_id) if one.last_run_id else "never"]
        for one in facts.not_done
    ]
    lead = paragraph(
        "These phases were not requested, or the run stopped before them. This report does not cover their files."
    )
    return Section("not-done", "Phases that this run did not do", [lead, ReportTable(columns, rows)])


def time_section(facts: Facts) -> Section:
    """Show the duration of the run, by step and by phase."""
    with_home = len(facts.homes) > 1
    columns = [
        *([ReportColumn("Home")] if with_home else []),
        ReportColumn("Phase"),
        number("Time"),
        number("Files read"),
        number("Bytes"),
        number("MB/s"),
        number("Entries/s"),
    ]
    rows: list[list[Cell]] = []
    for one in facts.phase_times:
        figures = [_time(one.seconds), count(one.files_read), size(one.bytes_read)]
        rates = [_rate(one.bytes_read / 1e6, one.seconds), _rate(one.entries, one.seconds)]
        rows.append([*([one.home_id] if with_home else []), f"{one.phase} {one.name}", *figures, *rates])
    by_step = ", ".join(f"{step} {_time(seconds)}" for step, seconds in facts.step_seconds.items())
    whole = f"{duration(facts.run.seconds)} in all, up to the writing of this report"
    lead = paragraph(f"{whole}.{f' By step: {by_step}.' if by_step else ''}")
    note = paragraph("The time of a phase includes reading, writing, and digesting every file again.", is_quiet=True)
    return Section("time", "Time", [lead, ReportTable(columns, rows), note] if facts.total.files_read else [lead])


def _rate(amount: float, seconds: float) -> str:
    if not amount or not seconds:
        return "–"
    rate = amount / seconds
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def size_section(facts: Facts) -> Section:
    """Show how much disk space the archive takes."""
    sizes, total = facts.sizes, facts.total
    columns = [ReportColumn("Disk space"), number("This run"), number("All runs")]
    rows = [
        ["Store: each distinct entry once", size(sizes.run_store), size(sizes.all_store)],
        ["Tables: rows and manifests", size(sizes.run_tables), size(sizes.all_tables)],
        ["Parquet files", count(sizes.run_files), count(sizes.all_files)],
        ["Warehouse", "", size(sizes.warehouse) if sizes.warehouse is not None else "not published"],
    ]
    blocks: list[Block] = [ReportTable(columns, rows)]
    if total.bytes_read:
        blocks.insert(
            0,
            paragraph(
                f"Of {size(total.bytes_read)} read, {size(total.bytes_kept_new)} were not in the store yet; "
                f"compressed they take {size(sizes.run_store)}."
            ),
        )
    return Section("size", "Disk space", blocks)


def limits_section() -> Section:
    """List what the report does not prove."""
    return Section(
        "limits",
        "What this report does not prove",
        [
            paragraph(
                "SHA-256 is computed in the same read that fills the store. At the end of the run the same bytes are "
                "digested again with XXH3-128, which finds accidental changes, not forged ones."
            ),
            paragraph(
                "Claude Code may write while a run reads: bytes that were written after the snapshot belong to the "
                "next run, and a change that was undone before the second digest is not noticed."
            ),
            paragraph(
                "This report does not say whether the files of the archive are still undamaged: ",
                Code("extract verify"),
                " checks that at any time.",
            ),
        ],
    )
