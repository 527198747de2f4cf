"""Runs of the project: the first one, one with nothing new, one after a little was appended, one after fifty others."""

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Final

from models.json import JsonObject
from tests.bench.context import Bench, Home, copy_tree, remove
from tests.bench.process import Ran
from tests.bench.report import Goal, Section, Table

_WEEKS: Final = 50
_STEPS: Final = ("manifest", "load", "report")


def cold(bench: Bench) -> Section:
    """A first run, over mostly transcripts and over mostly debug logs and file versions."""
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
    """A run with nothing new, and how much of it is start-up."""
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
        at = "" if home.files >= 5000 and home.bytes >= 380e6 else "the goal is for 5,000 files, 400 MB"
        seconds = figure.seconds
        section.goals.append(Goal(what, "≤ 1.2 s", f"{seconds:.2f} s", seconds <= 1.2, at))
        start = median(startup)
        section.goals.append(Goal("… of which start-up", "≤ 0.5 s", f"{start:.2f} s", start <= 0.5))
    return section


def _startup(ran: Ran, summary: JsonObject) -> float:
    return ran.wall - sum(step_seconds(summary).values())


def step_seconds(summary: JsonObject) -> dict[str, float]:
    """Return the seconds of each step that a run's summary tells."""
    steps = summary["step_seconds"]
    assert isinstance(steps, dict)
    return {name: float(value) for name, value in steps.items() if isinstance(value, (int, float))}


def appended(bench: Bench) -> Section:
    """A run after one hundredth was appended."""
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


def weekly(bench: Bench) -> Section:
    """A week's run over a store that holds fifty, beside the same run over a store that holds one."""
    section = Section(
        "weekly",
        f"A week's run on a store that already holds {_WEEKS} such runs",
        "The same home and the same new bytes, over two stores: the one holds a single run, made the week before; the "
        f"other a run for each of the {_WEEKS} weeks before, with all that has gone from the home meanwhile. "
        "Seconds of each step are the run's own.",
    )
    home = bench.copy_of(bench.made(min(100.0, bench.mb * 0.2)))
    many, one, data = bench.place("data/weeks"), bench.place("data/week"), bench.place("data/weekly")
    bench.extract(home, many)
    for week in range(1, _WEEKS):
        bench.grow(home, week)
        bench.extract(home, many)
    bench.extract(home, one)
    bench.grow(home, _WEEKS)
    home = bench.listed_again(home)
    stores = {"a store of one run": one, f"a store of {_WEEKS} runs": many}
    figures = {name: section.figure(f"week's run on {name}") for name in stores}
    steps: dict[str, list[dict[str, float]]] = {name: [] for name in stores}
    bench.yardstick(home)
    for _ in range(bench.runs):
        for name, store in stores.items():
            copy_tree(store, data)
            yard = bench.yardstick(home)
            ran, summary = bench.extract(home, data)
            figures[name].add(ran, yard)
            steps[name].append(_steps(ran.wall, summary))
    alone, full = (figure.seconds for figure in figures.values())
    section.tables.append(_step_table(list(steps.items())))
    growth = full / alone - 1
    section.goals.append(
        Goal(
            f"weekly run on a store of {_WEEKS} runs, against one of a single run",
            "within 10 %",
            f"{growth:+.0%}",
            growth <= 0.1,
        )
    )
    for tree in (home.root, many, one, data):
        remove(tree)
    return section


def _steps(wall: float, summary: JsonObject) -> dict[str, float]:
    """Return where the seconds of a run went: each phase, the steps after them, and what is in none."""
    said = step_seconds(summary)
    phases: dict[str, float] = {}
    listed = summary["phases"]
    assert isinstance(listed, list)
    for phase in listed:
        assert isinstance(phase, dict)
        seconds = phase["seconds"]
        assert isinstance(seconds, (int, float))
        phases[f"phase {phase['phase']}"] = seconds
    rest = said.get("extract", 0.0) - sum(phases.values())
    after = {name: said.get(name, 0.0) for name in _STEPS}
    start = wall - sum(said.values())
    return {"start-up and end": start, "records, walk, indexes, commits": rest, **phases, **after}


def _step_table(steps: Sequence[tuple[str, list[dict[str, float]]]]) -> Table:
    medians = [{step: median(one.get(step, 0.0) for one in runs) for step in runs[0]} for _, runs in steps]
    rows = [
        [step, *(f"{seconds:.3f}" for seconds in both), f"{both[-1] - both[0]:+.3f}"]
        for step in medians[0]
        for both in [[one.get(step, 0.0) for one in medians]]
    ]
    return Table(["step, seconds", *(name for name, _ in steps), "growth"], rows)
