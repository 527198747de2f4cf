"""The sections on how files stood at the end, and on the run itself: fixity, what was left unread, time, size,
limits.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from models.amounts import count, duration, moment, plural, size
from pipelines.report.content import more
from pipelines.report.document import (
    Bar,
    Block,
    Cell,
    Code,
    Column,
    Item,
    Items,
    Noted,
    Section,
    Shares,
    Table,
    Tone,
    number,
    paragraph,
)
from pipelines.report.facts import Facts, FileFact, RuleFacts, sql_text

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
"""Rules whose names say nothing: every folder is under one."""
_NAMES: Final = 3
"""Names shown of one rule."""


def fixity_section(facts: Facts) -> Section:
    """How files stood at the end, and what that rests on."""
    fixity = facts.fixity
    blocks: list[Block] = [*_shares(facts)]
    columns = [Column("Outcome"), number("Files"), number("Bytes"), number("Folders, links")]
    rows: list[list[Cell]] = [
        [Noted(one.outcome, one.sentence), count(one.files), size(one.size), count(one.others)]
        for one in fixity.outcomes
    ]
    if rows:
        blocks.append(Table(columns, rows))
    if fixity.checks:
        heads = [Column("What the outcome of kept files rests on"), number("Files"), number("Bytes")]
        checks: list[list[Cell]] = [
            [Noted(_CHECKS[one.check], one.sentence), count(one.files), size(one.size)] for one in fixity.checks
        ]
        blocks.append(Table(heads, checks))
    if fixity.files.total:
        blocks += [paragraph("Files that are not simply intact:"), Items([_file(file) for file in fixity.files.shown])]
        blocks += more(fixity.files)
    if fixity.appeared.total:
        appeared = plural(fixity.appeared.total, "path", "paths")
        blocks.append(paragraph(f"{appeared} came into being while the run was on. The next run reads them:"))
        blocks.append(Items([Item(Code(address)) for address in fixity.appeared.shown]))
        blocks += more(fixity.appeared, "more, in run.json under “appeared”")
    if fixity.expired_before:
        blocks.append(
            paragraph(
                f"{plural(fixity.expired_before, 'file')} had been gone before this run already; what was read of them "
                "stays kept.",
                is_quiet=True,
            )
        )
    blocks += _access_times(facts)
    return Section("fixity", "Fixity", blocks)


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
    words = [file.outcome, file.detail, f"{size(file.size)} kept", f"last modified {moment(file.modified_at)}"]
    return Item(Code(file.address), ", ".join(word for word in words if word), _TONES.get(file.outcome, "none"))


def _access_times(facts: Facts) -> Iterator[Block]:
    kept, moved = facts.fixity.access_times_kept, facts.fixity.access_times_not_kept
    if moved:
        yield paragraph(
            f"Access times: the system let {plural(kept, 'file')} be read without touching them; of "
            f"{plural(moved, 'file')} it did not, so their access time may have moved. Nothing else was touched."
        )
    elif kept:
        yield paragraph(
            f"Access times: all {plural(kept, 'file')} were read in the way that leaves them as they are.",
            is_quiet=True,
        )


def withheld_section(facts: Facts) -> Section:
    """What was never opened."""
    files = sum(rule.files for rule in facts.withheld)
    lead = paragraph(f"{plural(files, 'file was', 'files were')} never opened: each may hold a secret.")
    return Section("withheld", "Withheld", [lead, *_names(facts, facts.withheld, "withhold")])


def listed_section(facts: Facts) -> Section:
    """What was listed and not read."""
    files = sum(rule.files for rule in facts.listed)
    lead = paragraph(
        f"{plural(files, 'file is', 'files are')} listed with size and times and {_was(files)} not read. The setting ",
        Code("archive_trees = true"),
        " has such trees read.",
    )
    rules = [rule for rule in facts.listed if rule.rule not in _FACELESS]
    return Section("listed", "Only listed", [lead, *_names(facts, rules, "inventory")])


def _names(facts: Facts, rules: Sequence[RuleFacts], treatment: str) -> Iterator[Block]:
    if facts.fixity.kept.read:
        yield _rule_table(rules)
    else:
        yield paragraph(f"{', '.join(f'{rule.rule} {count(rule.files or rule.others)}' for rule in rules)}.")
    if not facts.fixity.kept.read or any(rule.names.total > _NAMES for rule in rules):
        sql = (
            f"SELECT rule, home_id, path, size FROM manifest WHERE run_id = {sql_text(facts.run.run_id)} "
            f"AND treatment = {sql_text(treatment)} AND entry_type <> 'directory' ORDER BY ALL"
        )
        yield paragraph("All names: ", Code(f'extract sql "{sql}"'), is_quiet=True)


def _rule_table(rules: Sequence[RuleFacts]) -> Table:
    columns = [Column("Rule"), number("Files"), number("Bytes"), Column("Names")]
    rows: list[list[Cell]] = []
    for rule in rules:
        names = [name.partition(":")[2] for name in rule.names.shown[:_NAMES]]
        rest = rule.names.total - len(names)
        said = ", ".join(names) + (f" and {count(rest)} more" if rest else "")
        files = count(rule.files) if rule.files else plural(rule.others, "link" if rule.rule == "link" else "other")
        rows.append([Noted(Code(rule.rule), rule.why), files, size(rule.size), Code(said)])
    return Table(columns, rows)


def _was(files: int) -> str:
    return "was" if files == 1 else "were"


def not_done_section(facts: Facts) -> Section:
    """The phases that the run did not do."""
    columns = [Column("Home"), number("Phase"), Column("Led by"), Column("Last done")]
    rows: list[list[Cell]] = [
        [one.home_id, str(one.phase), one.name, Code(one.last_run_id) if one.last_run_id else "never"]
        for one in facts.not_done
    ]
    lead = paragraph("The run was not asked for these phases, or stopped before them. It says nothing of their files.")
    return Section("not-done", "Not done", [lead, Table(columns, rows)])


def time_section(facts: Facts) -> Section:
    """How long everything took."""
    with_home = len(facts.homes) > 1
    columns = [
        *([Column("Home")] if with_home else []),
        Column("Phase"),
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
    steps = ", ".join(f"{step} {_time(seconds)}" for step, seconds in facts.step_seconds.items())
    whole = f"{duration(facts.run.seconds)} in all, without this report"
    lead = paragraph(f"{whole}.{f' By step: {steps}.' if steps else ''}")
    note = paragraph("A phase's time includes reading, writing and digesting everything again.", is_quiet=True)
    return Section("time", "Time", [lead, Table(columns, rows), note] if facts.total.files_read else [lead])


def _rate(amount: float, seconds: float) -> str:
    if not amount or not seconds:
        return "–"
    rate = amount / seconds
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def size_section(facts: Facts) -> Section:
    """What the archive takes on the disk."""
    sizes, total = facts.sizes, facts.total
    columns = [Column("On the disk"), number("This run"), number("All runs")]
    rows = [
        ["Store: the bytes themselves, once", size(sizes.run_store), size(sizes.all_store)],
        ["Tables: rows, manifests, recipes", size(sizes.run_tables), size(sizes.all_tables)],
        ["Files", count(sizes.run_files), count(sizes.all_files)],
        ["Warehouse", "", size(sizes.warehouse) if sizes.warehouse is not None else "not published"],
    ]
    blocks: list[Block] = [Table(columns, rows)]
    if total.bytes_read:
        blocks.insert(
            0,
            paragraph(
                f"Of {size(total.bytes_read)} read, {size(total.bytes_kept_new)} were not in the store yet; "
                f"compressed they take {size(sizes.run_store)}."
            ),
        )
    return Section("size", "Size", blocks)


def limits_section() -> Section:
    """What the report does not say."""
    return Section(
        "limits",
        "What this does not say",
        [
            paragraph(
                "SHA-256 is computed in the same read that fills the store. At the end the same bytes are digested "
                "once more with XXH3-128, which finds accidents, not a forger."
            ),
            paragraph(
                "A home is alive: what was written after a file was pinned belongs to the next run, and what was "
                "changed and changed back in between is not noticed."
            ),
            paragraph(
                "Whether the files of this archive still are what was written is not said here: ",
                Code("extract verify"),
                " checks that, now and in years.",
            ),
        ],
    )
