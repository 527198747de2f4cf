"""Measures limits: peak memory, disk usage, very many files, and the response time of the command."""

from typing import Final

from tests.bench.context import ROOT, Bench, remove, tree_bytes
from tests.bench.process import run
from tests.bench.report import Figure, Goal, Section, Table, megabytes

_MEMORY: Final = 700
_MANY: Final = 100_000


def memory(bench: Bench) -> Section:
    """Measure the peak memory of all processes of a run, over homes of several sizes and over a line of 600 MB."""
    section = Section("memory", "Peak memory of a first run", "One run each; the proportional sets of all processes.")
    homes = bench.homes(bench.mb)
    if not bench.given:
        homes = [*homes, bench.made(bench.mb * 4), bench.one_line(600 * min(1.0, bench.scale))]
    for home in homes:
        data = bench.place("data/memory")
        figure = section.figure(f"first run, {home.label}")
        figure.add(bench.extract(home, data)[0])
        again = section.figure(f"second run, {home.label}")
        again.add(bench.extract(home, data)[0])
        peak = max(_peak(figure), _peak(again))
        section.goals.append(Goal(f"peak memory, {home.label}", f"≤ {_MEMORY} MB", f"{peak:,.0f} MB", peak <= _MEMORY))
        remove(data)
    return section


def _peak(figure: Figure) -> float:
    return (figure.peak if figure.peak is not None else figure.largest) / 1e6


def disk(bench: Bench) -> Section:
    """Measure the bytes that a first run writes relative to those that it reads."""
    section = Section("disk", "Disk after a first run", "Bytes of files below the data directory, of bytes read.")
    rows = []
    for home in bench.homes(bench.mb):
        data = bench.data_of(home)
        sizes = {name: tree_bytes(data / name) for name in ("store", "tables", "runs", "cache", "warehouse")}
        rows.append(
            [
                home.label,
                megabytes(home.bytes),
                *(f"{megabytes(size)} ({size / home.bytes:.1%})" for size in sizes.values()),
            ]
        )
        kept, loaded = (sizes["store"] + sizes["tables"]) / home.bytes, sizes["warehouse"] / home.bytes
        section.goals.append(Goal(f"store and tables, {home.label}", "≤ 25 %", f"{kept:.1%}", kept <= 0.25))
        section.goals.append(Goal(f"warehouse, {home.label}", "≤ 50 %", f"{loaded:.1%}", loaded <= 0.5))
    section.tables.append(Table(["home", "read MB", "store", "tables", "runs", "cache", "warehouse"], rows))
    return section


def many_files(bench: Bench) -> Section:
    """Measure a first and a second run over very many small files."""
    section = Section("many-files", "Very many small files")
    home = bench.many_files(int(_MANY * min(1.0, bench.scale)))
    data = bench.place("data/many")
    what = f"first run, {home.label}"
    figure, again = section.figure(what), section.figure(f"second run, {home.label}")
    bench.repeat(figure, home, data, runs=1)
    bench.repeat(again, home, data, runs=1)
    at = "" if home.files >= _MANY else f"the goal is for {_MANY:,} files"
    section.goals.append(Goal(what, "≤ 60 s", f"{figure.seconds:.1f} s", figure.seconds <= 60, at))
    remove(data)
    remove(home.root)
    return section


def answers(bench: Bench) -> Section:
    """Measure the response time of `extract --help` and `extract status`."""
    section = Section("help", "How long the command takes to answer")
    home = bench.homes(bench.mb)[0]
    data = bench.data_of(home)
    for words, limit in ((["--help"], 0.3), (["status", "--data", str(data)], 0.6)):
        name = f"`extract {words[0]}`"
        figure = section.figure(name)
        for _ in range(max(5, bench.runs)):
            figure.add(run(bench.extract_command(*words), env=bench.env(), cwd=ROOT))
        section.goals.append(Goal(name, f"≤ {limit} s", f"{figure.seconds:.2f} s", figure.seconds <= limit))
    return section
