"""The sections on reading: sources and their counts, entries in quarantine, repairs, incomplete lines, drift."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from models.amounts import count, plural, size
from models.run import SourceCounts
from pipelines.report.document import (
    Block,
    Cell,
    Code,
    Item,
    Items,
    Paragraph,
    ReportColumn,
    ReportHeading,
    ReportTable,
    Section,
    number,
    paragraph,
)
from pipelines.report.facts import DriftFact, Facts, RejectFacts, RepairFacts, SourceFacts
from pipelines.report.listing import Listing

T = TypeVar("T")

_KINDS: Final = {"record_type": "record type", "field": "field", "field_type": "type of a field"}


def more(listing: Listing[T], what: str = "more") -> Iterator[Paragraph]:
    """Yield a line with the number of items not shown, and the command that lists all."""
    if listing.left_out:
        tail = (". To list all: ", Code(f'extract sql "{listing.sql}"', is_whole=True)) if listing.sql else ()
        yield paragraph(f"and {count(listing.left_out)} {what}", *tail, is_quiet=True)


def sources_section(facts: Facts) -> Section:
    """List the counts of each source, and state that they balance."""
    busy = [source for source in facts.sources if _gave(source.counts)]
    quiet = sorted({source.source for source in facts.sources} - {source.source for source in busy})
    blocks: list[Block] = []
    if busy:
        blocks.append(_source_table(facts, busy))
    else:
        blocks.append(paragraph("No file was new or changed, so none was read again."))
    blocks.append(_balance_line(facts))
    if facts.total.padding_bytes:
        blocks.append(
            paragraph(
                f"{size(facts.total.padding_bytes)} between entries are blank lines, runs of NUL and byte order marks. "
                "They are not entries, and are archived too.",
                is_quiet=True,
            )
        )
    if quiet and busy:
        blocks.append(paragraph(f"Nothing new in {', '.join(quiet)}.", is_quiet=True))
    return Section("read", "What was read, by source", blocks)


def _gave(counts: SourceCounts) -> bool:
    return bool(counts.files_read or counts.entries or counts.files_vanished or counts.files_unreadable)


def _source_table(facts: Facts, sources: Sequence[SourceFacts]) -> ReportTable:
    with_home = len(facts.homes) > 1
    columns = [
        ReportColumn("Source"),
        number("Phase"),
        number("Files read"),
        number("Bytes"),
        number("Entries"),
        number("with rows"),
        number("rejected"),
        number("Rows"),
        number("New messages"),
        number("seen before"),
    ]
    rows = [
        [*([one.home_id] if with_home else []), one.source, str(one.phase), *_figures(one.counts)] for one in sources
    ]
    head = [ReportColumn("Home"), *columns] if with_home else columns
    return ReportTable(
        head, rows, [*(["all"] if with_home else []), "" if with_home else "all", "", *_figures(facts.total)]
    )


def _figures(counts: SourceCounts) -> list[str]:
    return [
        count(counts.files_read),
        size(counts.bytes_read),
        count(counts.entries),
        count(counts.entries_with_rows),
        count(counts.rejects),
        count(counts.rows),
        count(counts.messages_new),
        count(counts.messages_duplicate),
    ]


def _balance_line(facts: Facts) -> Paragraph:
    total = facts.total
    if not facts.balance.holds:
        return paragraph("The counts do not balance: see “Counts that contradict one another” above.")
    if not total.entries:
        return paragraph("No entry was read, so none is missing.")
    return paragraph(
        f"{plural(total.entries, 'entry', 'entries')} = {count(total.entries_with_rows)} with rows + "
        f"{count(total.rejects)} rejected. This equation holds for every source and for every file that was read, and "
        "the commit record has the same counts as the Parquet of the run."
    )


def contradictions_section(facts: Facts) -> Section:
    """List every place where counts do not agree."""
    listing = facts.balance.contradictions
    items = Items([Item(Code(line), tone="bad") for line in listing.shown])
    lead = paragraph(
        "Entries must equal entries with rows plus rejects, and every count must agree with the files that it counts. "
        "In these places they differ. Do not rely on this run before you know the cause: ",
        Code("extract verify"),
        " looks for it.",
    )
    return Section("contradictions", "Counts that contradict one another", [lead, items, *more(listing)], "bad")


def quarantine_section(facts: Facts) -> Section:
    """List the entries that this run could not understand, by code."""
    blocks: list[Block] = [
        paragraph(
            f"This run could not understand {plural(facts.reject_count, 'entry', 'entries')}; the quarantine of the "
            f"whole archive has {count(facts.standing.quarantined)}. All their bytes are archived: ",
            Code("extract show ADDRESS"),
            " prints an entry.",
        )
    ]
    for group in facts.rejects:
        blocks += _group(group.code, group)
    return Section("quarantine", "Entries in quarantine", blocks)


def repairs_section(facts: Facts) -> Section:
    """List the entries that were recovered from damaged bytes, by kind of damage."""
    total = sum(group.examples.total for group in facts.repairs)
    blocks: list[Block] = [
        paragraph(
            f"{plural(total, 'repair')} recovered entries that a plain JSON or UTF-8 parser refuses or reads wrongly. "
            "The original bytes are archived too."
        )
    ]
    for group in facts.repairs:
        blocks += _group(group.flag, group)
    return Section("repairs", "Entries recovered from damaged bytes", blocks)


def _group(name: str, group: RejectFacts | RepairFacts) -> Iterator[Block]:
    yield ReportHeading(
        Code(name),
        f"{', '.join(f'{source} {count(met)}' for source, met in group.by_source.items())}. {group.sentence}",
    )
    yield Items([Item(Code(example.address), example.detail) for example in group.examples.shown])
    yield from more(group.examples)


def tails_section(facts: Facts) -> Section:
    """List the files whose last line has no line end yet, and count the logs whose last event may continue."""
    tails = facts.tails
    blocks: list[Block] = []
    if tails.files.total:
        blocks += [
            paragraph(
                f"{plural(tails.files.total, 'file ends', 'files end')} without a line end "
                f"({size(tails.size)}). These bytes are archived; a later run counts them as an entry, once the line "
                "is complete."
            ),
            Items([Item(Code(tail.address), size(tail.tail_bytes)) for tail in tails.files.shown]),
            *more(tails.files),
        ]
    if tails.log_files:
        blocks.append(
            paragraph(
                f"The last event of {plural(tails.log_files, 'log')} ({size(tails.log_size)}) is archived, but not "
                "counted yet: a later line may continue it.",
                is_quiet=True,
            )
        )
    return Section("tails", "Incomplete last lines", blocks)


def drift_section(facts: Facts) -> Section:
    """List the fields and record types that this version does not know."""
    drift = facts.drift
    kinds = ", ".join(plural(met, _KINDS.get(what, what)) for what, met in drift.kinds.items())
    news = (
        f"{count(drift.first_count)} of them for the first time. "
        if facts.run.earlier_runs and drift.first_count
        else ""
    )
    lead = paragraph(f"This version does not know {kinds}. {news}Their values are kept, as JSON.")
    columns = [
        ReportColumn("Name"),
        ReportColumn("Kind"),
        ReportColumn("Source"),
        number("Times"),
        ReportColumn("First version"),
        ReportColumn("First found"),
    ]
    rows: list[list[Cell]] = [
        [
            Code(item.name),
            _KINDS.get(item.what, item.what),
            item.source,
            count(item.count),
            item.first_version or "not recorded",
            _since(item, facts.run.earlier_runs),
        ]
        for item in drift.items.shown
    ]
    return Section(
        "drift", "Unknown fields and record types (drift)", [lead, ReportTable(columns, rows), *more(drift.items)]
    )


def _since(item: DriftFact, earlier_runs: int) -> str:
    if item.is_first:
        return "new in this run" if earlier_runs else "in the first run"
    return f"in run {item.first_run_id}"
