"""Profiles a first run: seconds of each step. As a program: a run in one process with timers around functions.

A timer counts a function's own time, without the timed functions that it calls. `PROBES` names the functions to time;
the page lists the names that the project no longer has, whose time counts for the step that calls them.
"""

import functools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Final, ParamSpec, TypeVar, cast

from models.json import JsonObject
from tests.bench.context import Bench, remove
from tests.bench.report import Section, Table

PROBES: Final[Mapping[str, Sequence[str]]] = {
    "walk": ("take_snapshots", "appeared"),
    "open and stat": ("Home.open", "Home.hold", "HeldDirectory.open"),
    "read": ("PinnedFile.read",),
    "digest (SHA-256 and XXH3-128)": ("Digests.feed", "Digests.feed_file"),
    "cut into entries": ("EntryReader.read_stream", "EntryReader.read_document", "EntryReader.read_opaque"),
    "parse": ("parse_line", "salvage"),
    "rows": ("EntryReader.parse", "parse_block"),
    "dedup": ("StagingSink.piece", "StagingSink.said", "prepare_indexes"),
    "columns": ("Builder.flush", "StagingSink.block", "RowWriter.write", "RowWriter.close"),
    "Parquet": ("ParquetWriter.write_table", "ParquetWriter.close"),
    "digest of what was written": ("finish_part",),
    "to disk": ("put_in_place", "commit"),
    "read again and compare": ("judge_all",),
    "manifests": ("write_sha256_manifests",),
    "load: check the digests": ("verify_parts",),
    "load: empty tables, views": ("create_tables", "create_views"),
    "load: rows of the sources, texts": (
        "fill_records",
        "insert_parts",
        "delete_superseded",
        "delete_messages_without_occurrence",
    ),
    "load: derived tables": ("make_derived_tables", "note_touched", "refresh_derived_tables"),
    "load: commit, checkpoint, copy": ("make_warehouse",),
    "load: verify the warehouse": ("check_warehouse",),
    "load: publish": ("publish",),
    "report": ("write_reports",),
}
"""The functions of each step by qualified name, without leading underscores; their modules are searched for."""

WHOLE: Final = frozenset({"walk", "read again and compare", "manifests", "report"})
"""Steps whose timers include all that they call."""

REST: Final = "the rest"


P = ParamSpec("P")
R = TypeVar("R")


class Clock:
    """CPU and wall time of each step in seconds, and its number of calls."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = dict.fromkeys(PROBES, 0.0)
        self.wall: dict[str, float] = dict.fromkeys(PROBES, 0.0)
        self.calls: Counter[str] = Counter()
        self._inner = [[0.0, 0.0]]
        self._is_whole = False

    def around(self, step: str, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function with a timer around it."""
        is_whole = step in WHOLE

        @functools.wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            if self._is_whole:
                return function(*args, **kwargs)
            self._is_whole = is_whole
            self._inner.append([0.0, 0.0])
            cpu, wall = time.process_time(), time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                inner = self._inner.pop()
                self._inner[-1][0] += cpu
                self._inner[-1][1] += wall
                self.cpu[step] += cpu - inner[0]
                self.wall[step] += wall - inner[1]
                self.calls[step] += 1
                if is_whole:
                    self._is_whole = False

        return timed

    def put_around_everything(self) -> list[str]:
        """Put timers around all functions in `PROBES`. Returns the names that do not exist."""
        steps = {name: step for step, names in PROBES.items() for name in names}
        found, made = set(), dict[FunctionType, Callable[..., object]]()
        for owner, attribute, function in list(_functions()):
            # A Shape has its source's parsers as attributes, under names of its own, and is a frozen dataclass.
            is_shape = type(owner).__name__ == "Shape"
            name = attribute if is_shape else _plain(function.__qualname__)
            if name in steps:
                found.add(name)
                clocked = made.setdefault(function, self.around(steps[name], function))
                (object.__setattr__ if is_shape else setattr)(owner, attribute, clocked)
        return sorted(set(steps) - found)


def _plain(name: str) -> str:
    return ".".join(part.lstrip("_") for part in name.split("."))


def _functions() -> Iterator[tuple[object, str, FunctionType]]:
    """Yield each function of the project and of pyarrow.parquet with each object and attribute that refers to it."""
    from extractors.reading.registry import sources

    packages = ("extractors", "pipelines", "pyarrow.parquet")
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(packages)]
    owners: list[object] = [*modules, *(shape for source in sources().values() for shape in source.shapes)]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    owners += [one for one in classes if one.__module__.startswith(packages)]
    for owner in owners:
        for attribute in dir(owner) if not isinstance(owner, type) else list(vars(owner)):
            value = getattr(owner, attribute, None)
            if isinstance(value, FunctionType) and value.__module__.startswith(packages):
                yield owner, attribute, value


def profile(bench: Bench) -> Section:
    """Measure the steps of a first run in one process."""
    section = Section(
        "profile",
        "Where the time of a first run goes",
        "One process does everything, so that CPU seconds add up; several share the reading otherwise. The load is "
        "two threads of it where a table is large.",
    )
    for home in bench.homes(bench.mb):
        printed = {}
        for how in ("plain", "clocked"):
            data = bench.place("data/profile")
            data.mkdir()
            (data / "settings.toml").write_text("processes = 1\n", encoding="utf-8")
            printed[how] = bench.child(str(home.root), str(data), how, module="steps")
            remove(data)
        section.tables.append(_table(home.label, printed["clocked"]))
        plain, clocked = (float(cast(float, printed[how]["cpu"])) for how in ("plain", "clocked"))
        section.notes.append(
            f"{home.label}: {plain:.2f} CPU s without clocks, {clocked:.2f} with them ({clocked / plain - 1:+.1%})"
        )
        if gone := cast(list[str], printed["clocked"]["gone"]):
            section.notes.append(f"no longer there, so counted elsewhere: {', '.join(gone)}")
    return section


def _table(label: str, printed: JsonObject) -> Table:
    steps = cast(dict[str, dict[str, float]], printed["steps"])
    cpu = sum(one["cpu"] for one in steps.values())
    rows = [
        [name, f"{one['cpu']:.2f}", f"{one['cpu'] / cpu:.1%}", f"{one['wall']:.2f}", f"{one['calls']:,.0f}"]
        for name, one in steps.items()
    ]
    return Table([f"step, {label}", "CPU s", "share", "wall s", "calls"], rows)


def step_cpu(printed: JsonObject) -> dict[str, float]:
    """Return the CPU seconds of each step in the output of a profiled run."""
    return {name: one["cpu"] for name, one in cast(dict[str, dict[str, float]], printed["steps"]).items()}


def clocked_run(home: Path, data: Path, *, is_clocked: bool) -> JsonObject:
    """Do a run in this process and return the seconds of each step, imports excluded."""
    from models.observer import Observer
    from pipelines.disk.layout import Layout
    from pipelines.report import write as report
    from pipelines.run import pipeline as job
    from pipelines.run.extraction import Request
    from pipelines.warehouse import publish as warehouse

    assert {job.__name__, report.__name__, warehouse.__name__} <= set(sys.modules)
    clock = Clock()
    gone = clock.put_around_everything() if is_clocked else []
    cpu, wall = time.process_time(), time.perf_counter()
    job.run_job(Layout(data), Request([("bench", home)]), Observer())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    steps: JsonObject = {
        step: {"cpu": clock.cpu[step], "wall": clock.wall[step], "calls": clock.calls[step]}
        for step in PROBES
        if clock.calls[step]
    }
    steps[REST] = {"cpu": cpu - sum(clock.cpu.values()), "wall": wall - sum(clock.wall.values()), "calls": 1}
    return {"cpu": cpu, "wall": wall, "steps": steps, "gone": list(gone)}


if __name__ == "__main__":
    print(json.dumps(clocked_run(Path(sys.argv[1]), Path(sys.argv[2]), is_clocked=sys.argv[3] == "clocked")))
