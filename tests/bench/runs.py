"""Measures runs of the project: a first run, one with nothing new, and one after the home grew by 1 %."""

from functools import partial
from statistics import median

from models.json import JsonObject
from tests.bench.context import Bench, Home, copy_tree, remove
from tests.bench.process import Ran
from tests.bench.report import Goal, Section


def cold(bench: Bench) -> Section:
    """Measure a first run over a home of mostly transcripts, and over one of mostly debug logs and file versions."""
    section = Section(
        "cold",
        "A first run",
        "All phases, deduplication, load, both manifests, all checks and reports, into an empty data directory.",
    )
    for home in bench.homes(bench.mb):
        _cold(bench, section, home, 2.5, "cold full run", "250 MB – 2 GB")
    if not bench.given:
        home = bench.made(bench.mb * 0.4, mix="small-files")
        _cold(bench, section, home, 3.0, "the same on many small files", "")
    return section


def _cold(bench: Bench, section: Section, home: Home, limit: float, what: str, wanted: str) -> None:
    data = bench.place("data/cold")
    what = f"{what}, {home.label}"
    figure = section.figure(what)
    bench.repeat(figure, home, data, partial(remove, data))
    size = home.bytes / 1e6
    section.notes.append(f"{home.label}: {home.files:,} files, {size:,.0f} MB, {size / figure.seconds:,.0f} MB/s")
    ratio = figure.ratio or 0.0
    at = "" if not wanted or 250e6 * 0.95 <= home.bytes <= 2.1e9 else f"the goal is for {wanted}"
    section.goals.append(Goal(what, f"≤ {limit} S", f"{ratio:.2f} S", ratio <= limit, at))


def second(bench: Bench) -> Section:
    """Measure a run with nothing new, and the part of it that is start-up."""
    section = Section(
        "second",
        "A run with nothing new",
        "Every byte is read once and compared with the last manifest by XXH3-128. Start-up is what the process takes "
        "besides the steps that it times itself: Python, imports, writing the summary, the end.",
    )
    share = min(1.0, bench.scale)
    homes = bench.homes(bench.mb) if bench.given else [bench.made(400 * share, files=int(5000 * share))]
    for home in homes:
        data = bench.place("data/second")
        bench.extract(home, data)
        what = f"second run, {home.label}"
        figure = section.figure(what)
        startup = [_startup(*done) for done in bench.repeat(figure, home, data)]
        section.notes.append(f"{home.label}: {home.files:,} files, {home.bytes / 1e6:,.0f} MB are read")
        at = "" if home.files >= 4900 and home.bytes >= 380e6 else "the goal is for 5,000 files, 400 MB"
        seconds = figure.seconds
        section.goals.append(Goal(what, "≤ 1.2 s", f"{seconds:.2f} s", seconds <= 1.2, at))
        start = median(startup)
        section.goals.append(Goal(f"… of which start-up, {home.label}", "≤ 0.5 s", f"{start:.2f} s", start <= 0.5))
    return section


def _startup(ran: Ran, summary: JsonObject) -> float:
    return ran.wall - sum(step_seconds(summary).values())


def step_seconds(summary: JsonObject) -> dict[str, float]:
    """Return the seconds of each step in a run's JSON summary."""
    steps = summary["step_seconds"]
    assert isinstance(steps, dict)
    return {name: float(value) for name, value in steps.items() if isinstance(value, (int, float))}


def appended(bench: Bench) -> Section:
    """Measure a run after the home grew by 1 %."""
    section = Section(
        "appended",
        "A run after 1 % was appended",
        "The home grows as in a week of work: some files are appended to, some are new, some are rewritten or gone.",
    )
    for home in bench.homes(bench.mb):
        own = bench.copy_of(home)
        before, data = bench.place("data/before"), bench.place("data/appended")
        first = section.figure(f"first run, {home.label}")
        bench.repeat(first, own, before, partial(remove, before))
        bench.grow(own, 1)
        grown = bench.listed_again(own)
        what = f"run after 1 % was appended, {home.label}"
        figure = section.figure(what)
        bench.repeat(figure, grown, data, partial(copy_tree, before, data))
        part = figure.seconds / first.seconds
        section.goals.append(Goal(what, "≤ 0.15 of the first", f"{part:.2f} of the first", part <= 0.15))
        section.notes.append(f"{home.label}: it grew by {(grown.bytes - home.bytes) / 1e6:,.1f} MB")
        for tree in (own.root, before, data):
            remove(tree)
    return section
