"""The head of a report, for a reader who only wants the result: figures, a few sentences, small charts."""

from collections.abc import Iterator

from models.amounts import count, moment, plural, size
from pipelines.report.document import Bar, Bars, Chart, Code, ColumnChart, Inline, Point, Tile, Tone
from pipelines.report.facts import Facts

_MOST_BARS = 6
_FEWEST_RUNS = 3
_LONGEST_PROJECT = 24


def tiles(facts: Facts) -> Iterator[Tile]:
    """Yield the figures of the head, each with a figure to compare it with."""
    total, kept, standing = facts.total, facts.fixity.kept, facts.standing
    yield Tile("files read", count(total.files_read), f"of {count(total.files_found)} found")
    yield Tile("new to the archive", size(total.bytes_kept_new), f"of {size(total.bytes_read)} read")
    yield Tile("new messages", count(total.messages_new), f"{count(total.messages_duplicate)} seen before")
    since = f"{count(facts.fixity.expired_now)} since the last run"
    yield Tile("gone files, still archived", count(standing.files_gone), since)
    held = kept.intact + kept.appended
    is_verified = facts.verdict.level != "broken"
    tone: Tone = "bad" if kept.corrupt else "warn" if held < kept.files else "good" if is_verified else "none"
    # Files that are unchanged in the home prove nothing about a damaged archive.
    label = "verified" if is_verified else "unchanged in the home"
    yield Tile(label, count(held), f"of {plural(kept.files, 'archived file')}", tone)


def points(facts: Facts) -> Iterator[Point]:
    """Yield the sentences of the head: read, new, gone from the home, not understood, left out."""
    yield Point("Read", (_read(facts),))
    yield Point("New", (_new(facts),))
    yield Point("Gone from the home", tuple(_gone(facts)))
    yield Point("Not understood", tuple(_not_understood(facts)))
    withheld, listed = sum(rule.files for rule in facts.withheld), sum(rule.files for rule in facts.listed)
    if withheld or listed:
        pieces = [f"{plural(withheld, 'file')} never opened, because each may contain a secret"] if withheld else []
        pieces += [f"{plural(listed, 'file')} listed with size and times only"] if listed else []
        yield Point("Left out", (f"{'; '.join(pieces)}.",))


def _read(facts: Facts) -> str:
    total, homes = facts.total, plural(len(facts.homes), "home")
    if not total.files_read:
        return f"No file of {homes} was new or changed; {plural(total.files_found, 'file')} found there."
    return (
        f"{plural(total.files_read, 'file')} with {size(total.bytes_read)}, of {plural(total.files_found, 'file')} "
        f"found in {homes}."
    )


def _new(facts: Facts) -> str:
    total = facts.total
    if not (total.entries or total.bytes_kept_new or total.messages_new):
        return "Nothing: the archive had all of it."
    return (
        f"{plural(total.entries, 'entry', 'entries')}, which gave {plural(total.rows, 'row')} and "
        f"{plural(total.messages_new, 'message')} that no earlier run had read; {size(total.bytes_kept_new)} that the "
        "archive did not have yet."
    )


def _gone(facts: Facts) -> Iterator[Inline]:
    standing, now = facts.standing, facts.fixity.expired_now
    scope = " of the phases that this run did" if facts.not_done else ""
    if not standing.files_gone:
        yield f"None of the archived files{scope}."
        return
    which = "none" if not now else "all" if now == standing.files_gone else count(now)
    files = plural(standing.files_gone, "file")
    held = f"{files} with {size(standing.bytes_gone)}{scope} that this archive still has"
    yield f"{held}, {which} of them since the last run. "
    yield Code("extract files --state expired")
    yield " lists them, "
    yield Code("extract restore --expired --to DIR")
    yield " restores them."


def _not_understood(facts: Facts) -> Iterator[Inline]:
    now, all_runs = facts.reject_count, facts.standing.quarantined
    if not all_runs:
        yield "Nothing: no entry is in quarantine."
        return
    yield f"{plural(now, 'entry', 'entries')} of this run; {count(all_runs)} of all runs are in quarantine. "
    yield Code(f'extract sql "{facts.standing.quarantined_sql}"')
    yield " counts them."


def charts(facts: Facts) -> Iterator[Chart]:
    """Yield the charts of the head; one that would show a single bar is left out."""
    yield from _read_by_source(facts)
    gone = facts.standing.gone
    if gone:
        sums = [(one.source, one.files_now + one.files_before) for one in gone[:_MOST_BARS]]
        bars = [Bar(source, files, plural(files, "file")) for source, files in sums]
        yield Bars("Gone from the home, kept here, by source", bars)
    projects = facts.standing.gone_projects
    if projects:
        yield Bars(
            "Gone from the home, kept here, by project",
            [Bar(_project(one.directory), one.files, plural(one.files, "file")) for one in projects[:_MOST_BARS]],
        )
    growth = facts.standing.growth
    if len(growth) >= _FEWEST_RUNS:
        yield ColumnChart(
            "New to the archive, run by run",
            [Bar(moment(one.started_at), one.bytes_kept_new, size(one.bytes_kept_new)) for one in growth],
            moment(growth[0].started_at),
            moment(growth[-1].started_at),
        )


def _project(directory: str) -> str:
    """Return the end of the name of a project's directory, which is a path with `-` for each separator."""
    return directory if len(directory) <= _LONGEST_PROJECT else f"…{directory[1 - _LONGEST_PROJECT :]}"


def _read_by_source(facts: Facts) -> Iterator[Bars]:
    sums: dict[str, int] = {}
    for source in facts.sources:
        sums[source.source] = sums.get(source.source, 0) + source.counts.bytes_read
    largest = sorted(((read, name) for name, read in sums.items() if read), reverse=True)
    if len(largest) > 1:
        bars = [Bar(name, read, size(read)) for read, name in largest[:_MOST_BARS]]
        yield Bars("Bytes read, by source", bars)
