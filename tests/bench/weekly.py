"""Compares a weekly run on an archive of 50 weekly runs with the same run on an archive of one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from models.json import JsonObject
from tests.bench.context import Bench, Home, copy_tree, remove, tree_bytes
from tests.bench.report import Goal, Section, Table
from tests.bench.runs import step_seconds
from tests.bench.steps import step_cpu

_WEEKS: Final = 50
_STEPS: Final = ("manifest", "load", "report")


def weekly(bench: Bench) -> Section:
    """Measure a weekly run on an archive of 50 weekly runs, and the same run on an archive of one."""
    section = Section(
        "weekly",
        f"A week's run on a store that already holds {_WEEKS} such runs",
        "The same home and the same new bytes, over two stores: the one holds a single run, made the week before; the "
        f"other a run for each of the {_WEEKS} weeks before, with all that has gone from the home meanwhile. "
        "Seconds of each step are the run's own; CPU seconds of the profile's steps are of one more run over each.",
    )
    home = bench.copy_of(bench.made(min(100.0, bench.mb * 0.2)))
    home, stores = _stores(bench, home)
    figures = {name: section.figure(f"week's run on {name}") for name in stores}
    steps: dict[str, list[dict[str, float]]] = {name: [] for name in stores}
    data = bench.place("data/weekly")
    for _ in range(bench.runs):
        for name, store in stores.items():
            copy_tree(store, data)
            yard = bench.yardstick(home)
            ran, summary = bench.extract(home, data)
            figures[name].add(ran, yard)
            steps[name].append(_steps(ran.wall, summary))
    one, many = ({step: median(each[step] for each in runs) for step in runs[0]} for runs in steps.values())
    section.tables.append(_step_table(list(stores), one, many))
    section.tables.append(_clocked_table(bench, home, stores, data))
    section.notes += [_sizes(name, store) for name, store in stores.items()]
    most = sorted(one, key=lambda step: one[step] - many[step])[:3]
    section.notes.append("It grows most in: " + ", ".join(f"{step} ({many[step] - one[step]:+.2f} s)" for step in most))
    alone, full = (figure.seconds for figure in figures.values())
    growth = full / alone - 1
    section.goals.append(
        Goal(
            f"weekly run on a store of {_WEEKS} runs, against one of a single run",
            "within 10 %",
            f"{growth:+.0%}",
            growth <= 0.1,
        )
    )
    for tree in (home.root, *stores.values(), data):
        remove(tree)
    return section


def _stores(bench: Bench, home: Home) -> tuple[Home, dict[str, Path]]:
    """Return the home as of the week to be read, and two archives: one of the previous week's run, one of all runs."""
    many, one = bench.place("data/weeks"), bench.place("data/week")
    bench.extract(home, many)
    for week in range(1, _WEEKS):
        bench.grow(home, week)
        bench.extract(home, many)
    bench.extract(home, one)
    bench.grow(home, _WEEKS)
    return bench.listed_again(home), {"a store of one run": one, f"a store of {_WEEKS} runs": many}


def _sizes(name: str, store: Path) -> str:
    parts = list(store.rglob("*.parquet"))
    kept, loaded = tree_bytes(*parts), tree_bytes((store / "warehouse.duckdb").resolve())
    return f"{name}: {len(parts):,} Parquet files of {kept / 1e6:,.1f} MB, a warehouse of {loaded / 1e6:,.1f} MB"


def _steps(wall: float, summary: JsonObject) -> dict[str, float]:
    """Return the seconds of a run by phase, by step after the phases, and the rest."""
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


def _step_table(names: Sequence[str], one: Mapping[str, float], many: Mapping[str, float]) -> Table:
    rows = [[step, f"{one[step]:.3f}", f"{many[step]:.3f}", f"{many[step] - one[step]:+.3f}"] for step in one]
    return Table(["step, seconds", *names, "growth"], rows)


def _clocked_table(bench: Bench, home: Home, stores: Mapping[str, Path], data: Path) -> Table:
    """Return the CPU seconds of each step of a profiled run on each archive."""
    clocked = []
    for store in stores.values():
        copy_tree(store, data)
        clocked.append(step_cpu(bench.child(str(home.root), str(data), "clocked", module="steps")))
    one, many = clocked
    rows = [
        [step, *(f"{printed.get(step, 0.0):.3f}" for printed in clocked), f"{many[step] - one.get(step, 0.0):+.3f}"]
        for step in many
    ]
    return Table(["step as in the profile, CPU seconds", *stores, "growth"], rows)
