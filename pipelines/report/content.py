"""The sections on what was read and understood: sources and their balance, quarantine, repairs, tails, drift."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from models.amounts import count, plural, size
from models.run import SourceCounts
from pipelines.report.document import (
    Bar,
    Bars,
    Block,
    Cell,
    Code,
    Column,
    Heading,
    Item,
    Items,
    Paragraph,
    Section,
    Table,
    number,
    paragraph,
)
from pipelines.report.facts import DriftFact, Facts, Listing, RejectFacts, RepairFacts, SourceFacts

T = TypeVar("T")

_MOST_BARS: Final = 8
_WHAT: Final = {"record_type": "record type", "field": "field", "field_type": "type of a field"}


def more(listing: Listing[T], what: str = "more") -> Iterator[Paragraph]:
    """Yield the line that says how many are not shown, and how to list them all."""
    if listing.left_out:
        tail = (" — all of them: ", Code(f'extract sql "{listing.sql}"')) if listing.sql else ()
        yield paragraph(f"and {count(listing.left_out)} {what}", *tail, is_quiet=True)


def sources_section(facts: Facts) -> Section:
    """What was read, by source, and that it balances."""
    busy = [source for source in facts.sources if _gave(source.counts)]
    quiet = sorted({source.source for source in facts.sources} - {source.source for source in busy})
    blocks: list[Block] = []
    if busy:
        blocks += [*_bars(busy), _source_table(facts, busy)]
    else:
        blocks.append(paragraph("No file was new or changed, so none was read again."))
    blocks.append(_balance_line(facts))
    if facts.total.padding_bytes:
        blocks.append(
            paragraph(
                f"{size(facts.total.padding_bytes)} between entries hold no entry: blank lines, runs of NUL, "
                "byte order marks. They are kept too.",
                is_quiet=True,
            )
        )
    if quiet and busy:
        blocks.append(paragraph(f"Nothing new to read in {', '.join(quiet)}.", is_quiet=True))
    return Section("read", "What was read", blocks)


def _gave(counts: SourceCounts) -> bool:
    return bool(counts.files_read or counts.entries or counts.files_vanished or counts.files_unreadable)


def _bars(sources: Sequence[SourceFacts]) -> Iterator[Bars]:
    sums: dict[str, int] = {}
    for source in sources:
        sums[source.source] = sums.get(source.source, 0) + source.counts.bytes_read
    largest = sorted(((read, name) for name, read in sums.items() if read), reverse=True)
    if len(largest) > 1:
        bars = [Bar(name, read, size(read)) for read, name in largest[:_MOST_BARS]]
        yield Bars("Bytes read by source", bars)


def _source_table(facts: Facts, sources: Sequence[SourceFacts]) -> Table:
    with_home = len(facts.homes) > 1
    columns = [
        Column("Source"),
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
    head = [Column("Home"), *columns] if with_home else columns
    return Table(head, rows, [*(["all"] if with_home else []), "" if with_home else "all", "", *_figures(facts.total)])


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
        return paragraph("The counts do not balance: see “Contradictions” above.")
    if not total.entries:
        return paragraph("No entry was read, so none is missing.")
    return paragraph(
        f"{plural(total.entries, 'entry', 'entries')} = {count(total.entries_with_rows)} with rows + "
        f"{count(total.rejects)} rejected. This holds for every source, for each of "
        f"{plural(facts.balance.files, 'path')} read, and between the commit record and the files of the run."
    )


def contradictions_section(facts: Facts) -> Section:
    """Every place where counts do not agree."""
    listing = facts.balance.contradictions
    items = Items([Item(Code(line), tone="bad") for line in listing.shown])
    lead = paragraph(
        "Entries must equal entries with rows plus rejects, and every count must agree with the files that it counts. "
        "Here it is not so. Do not rely on this run before you know why: ",
        Code("extract verify"),
        " looks further.",
    )
    return Section("contradictions", "Contradictions", [lead, items, *more(listing)], "bad")


def quarantine_section(facts: Facts) -> Section:
    """What could not be understood."""
    blocks: list[Block] = [
        paragraph(
            f"{plural(facts.reject_count, 'entry', 'entries')} could not be understood. Their bytes are kept, whole; ",
            Code("extract show ADDRESS"),
            " prints them.",
        )
    ]
    for group in facts.rejects:
        blocks += _group(group.code, group)
    return Section("quarantine", "Quarantine", blocks)


def repairs_section(facts: Facts) -> Section:
    """What was won from damaged bytes."""
    total = sum(group.examples.total for group in facts.repairs)
    blocks: list[Block] = [
        paragraph(
            f"{plural(total, 'repair')} won entries that plain JSON or UTF-8 parsing refuses, or reads otherwise. "
            "The bytes as they were are kept beside."
        )
    ]
    for group in facts.repairs:
        blocks += _group(group.flag, group)
    return Section("repairs", "Won from damaged bytes", blocks)


def _group(name: str, group: RejectFacts | RepairFacts) -> Iterator[Block]:
    yield Heading(
        Code(name),
        f"{', '.join(f'{source} {count(met)}' for source, met in group.by_source.items())}. {group.sentence}",
    )
    yield Items([Item(Code(example.address), example.detail) for example in group.examples.shown])
    yield from more(group.examples)


def tails_section(facts: Facts) -> Section:
    """What waits for its end."""
    tails = facts.tails
    blocks: list[Block] = []
    if tails.files.total:
        blocks += [
            paragraph(
                f"{plural(tails.files.total, 'file ends', 'files end')} without a line end "
                f"({size(tails.size)}). These bytes are kept; they count as an entry once the line is complete."
            ),
            Items([Item(Code(tail.address), size(tail.tail_bytes)) for tail in tails.files.shown]),
            *more(tails.files),
        ]
    if tails.log_files:
        blocks.append(
            paragraph(
                f"In {plural(tails.log_files, 'log')} the last event waits ({size(tails.log_size)}), as it always "
                "does: a later line may continue it.",
                is_quiet=True,
            )
        )
    return Section("tails", "Waiting for their end", blocks)


def drift_section(facts: Facts) -> Section:
    """What we do not know."""
    drift = facts.drift
    kinds = ", ".join(plural(met, _WHAT.get(what, what)) for what, met in drift.kinds.items())
    news = (
        f"{count(drift.first_count)} of them for the first time. "
        if facts.run.earlier_runs and drift.first_count
        else ""
    )
    lead = paragraph(f"This version does not know {kinds}. {news}Their values are kept as JSON.")
    columns = [Column("Name"), Column("What"), Column("Source"), number("Met"), Column("First version"), Column("Seen")]
    rows: list[list[Cell]] = [
        [
            Code(item.name),
            _WHAT.get(item.what, item.what),
            item.source,
            count(item.count),
            item.first_version or "not told",
            _since(item, facts.run.earlier_runs),
        ]
        for item in drift.items.shown
    ]
    return Section("drift", "Drift", [lead, Table(columns, rows), *more(drift.items)])


def _since(item: DriftFact, earlier_runs: int) -> str:
    if item.is_first:
        return "new in this run" if earlier_runs else "first run"
    return f"since {item.first_run_id}"
