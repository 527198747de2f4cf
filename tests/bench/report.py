"""The results of the benchmark: figures, goals and tables, as Markdown and as JSON."""

import hashlib
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from statistics import median
from tempfile import NamedTemporaryFile
from typing import Final

from models.json import JsonObject
from tests.bench.process import Ran, run

_MB: Final = 1_000_000
_UNITS: Final = (
    "**S** is the wall time of `sha256sum` over the very files that are read, in one process, measured just before "
    "each run in the same sitting. The column S is the median wall time in that unit, and *CPU, S* the median of CPU "
    "seconds, of all processes, in the yardstick's own; beside them are seconds, with the least and the most of all "
    "runs. Peak memory is of the whole tree of processes: the largest sum of proportional set sizes, in which memory "
    "that processes share counts once. MB are millions of bytes."
)


@dataclass(slots=True)
class Figure:
    """Repeated measurements of one command: seconds of wall and CPU time, bytes of memory.

    `yard` and `yard_cpu` are the times of `sha256sum` on the same files, before each run; if they are empty, there is
    no ratio. `peak` and `largest` are the maxima of all runs. `does` describes the command; for other programs, what
    they do less.
    """

    name: str
    does: str = ""
    wall: list[float] = field(default_factory=list)
    yard: list[float] = field(default_factory=list)
    yard_cpu: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int | None = None
    largest: int = 0
    output: int | None = None

    def add(self, ran: Ran, yard: Ran | None = None) -> None:
        """Add the measurements of one run, and those of the yardstick just before it."""
        self.wall.append(ran.wall)
        self.cpu.append(ran.cpu)
        if yard is not None:
            self.yard.append(yard.wall)
            self.yard_cpu.append(yard.cpu)
        if ran.peak is not None:
            self.peak = max(self.peak or 0, ran.peak)
        self.largest = max(self.largest, ran.largest)

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return median(self.wall)

    @property
    def ratio(self) -> float | None:
        """Median wall time in units of the yardstick's."""
        return self.seconds / median(self.yard) if self.yard else None

    @property
    def cpu_ratio(self) -> float | None:
        """Median CPU time in units of the yardstick's."""
        return median(self.cpu) / median(self.yard_cpu) if self.yard_cpu else None


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, the measured value, and whether it meets the goal; `at` is the size of the home if it is not the
    goal's.
    """

    what: str
    goal: str
    measured: str
    is_met: bool
    at: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings; the first column is left-aligned, the others are figures."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Section:
    """The results of one measurement. `shows_figures` is false if its tables contain the figures already."""

    name: str
    title: str
    intro: str = ""
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    shows_figures: bool = True
    seconds: float = 0.0

    def figure(self, name: str, does: str = "") -> Figure:
        """Return a new figure of this section."""
        made = Figure(name, does)
        self.figures.append(made)
        return made


@dataclass(frozen=True, slots=True)
class Machine:
    """A general description of the machine, and its speed in SHA-256, the lower bound of every run."""

    system: str
    cores: int
    python: str
    sha256_mb_s: float
    sha256sum_mb_s: float
    load: float | None

    def sentence(self) -> str:
        """Return the description as part of a sentence."""
        busy = ""
        if self.load is not None and self.load > 0.5:
            busy = f"; **the machine was busy otherwise (load {self.load:.1f}): do not quote these figures**"
        return (
            f"{self.system}, {self.cores} cores, Python {self.python}; SHA-256 on one core: {self.sha256_mb_s:.0f} "
            f"MB/s in Python, {self.sha256sum_mb_s:.0f} MB/s in `sha256sum`{busy}"
        )


def look_at_machine() -> Machine:
    """Measure SHA-256 on one core, in Python and with `sha256sum`, and collect what else affects the figures."""
    block = os.urandom(_MB)
    count = 64
    rates, others = [], []
    with NamedTemporaryFile() as file:
        file.writelines(block for _ in range(count))
        file.flush()
        for _ in range(5):
            started = time.process_time()
            for _ in range(count):
                hashlib.sha256(block).digest()
            rates.append(count / (time.process_time() - started))
            others.append(count / run(["sha256sum", file.name]).cpu)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    system = f"{platform.system()} on {platform.machine()}"
    return Machine(system, cores, platform.python_version(), max(rates), max(others), load)


def megabytes(size: float | None) -> str:
    """Return bytes as megabytes."""
    return "" if size is None else f"{size / _MB:,.0f}"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median with minimum and maximum as text."""
    if not values:
        return ""
    middle = f"{median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def ratio(value: float | None) -> str:
    """Return a ratio as text."""
    return "" if value is None else f"{value:.2f}"


def figure_table(figures: Sequence[Figure]) -> Table:
    """Return figures as a table, without columns that are empty for all of them."""
    columns = {
        "S": [ratio(one.ratio) for one in figures],
        "CPU, S": [ratio(one.cpu_ratio) for one in figures],
        "wall s": [spread(one.wall) for one in figures],
        "S in s": [spread(one.yard) for one in figures],
        "CPU s": [f"{median(one.cpu):.2f}" for one in figures],
        "peak MB": [megabytes(one.peak) for one in figures],
        "largest process MB": [megabytes(one.largest) for one in figures],
        "output MB": [megabytes(one.output) for one in figures],
        "what it does": [one.does for one in figures],
    }
    kept = {name: cells for name, cells in columns.items() if any(cells)}
    rows = [[one.name, *(cells[number] for cells in kept.values())] for number, one in enumerate(figures)]
    return Table(["", *kept], rows)


def goal_table(sections: Sequence[Section]) -> Table:
    """Return all goals as one table."""
    goals = [goal for section in sections for goal in section.goals]
    rows = [
        [one.what, one.goal, f"**{one.measured}**", "met" if one.is_met else "**not met**", one.at] for one in goals
    ]
    return Table(["", "goal", "measured", "", "measured at"], rows)


def to_markdown(table: Table) -> list[str]:
    """Return the lines of a table."""
    words = {"", "what it does", "measured at"}
    marks = ["---", *("---" if heading in words else "---:" for heading in table.headings[1:])]
    cells = [table.headings, marks, *([cell.replace("|", "\\|") for cell in row] for row in table.rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


def section_lines(section: Section) -> list[str]:
    """Return a section as Markdown."""
    lines = [f"## {section.title}", ""]
    if section.intro:
        lines += [section.intro, ""]
    if section.figures and section.shows_figures:
        lines += [*to_markdown(figure_table(section.figures)), ""]
    for table in section.tables:
        lines += [*to_markdown(table), ""]
    lines += [f"- {note}" for note in section.notes]
    return lines if lines[-1] == "" else [*lines, ""]


def document(sections: Sequence[Section], command: str, machine: Machine, begun: datetime) -> str:
    """Return the whole page: machine and command, the goals, and every section."""
    lines = [
        "# Benchmarks",
        "",
        "Made by a command, not by hand; [tests/bench/README.md](tests/bench/README.md) says what each row means.",
        "",
        f"`{command}`, begun {begun.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {machine.sentence()}.",
        "",
        _UNITS,
        "",
    ]
    if any(section.goals for section in sections):
        lines += ["## Goals", "", *to_markdown(goal_table(sections)), ""]
    for section in sections:
        lines += section_lines(section)
    return "\n".join(lines).rstrip("\n") + "\n"


def to_json(sections: Sequence[Section], command: str, machine: Machine, begun: datetime) -> JsonObject:
    """Return everything as JSON values."""
    return {
        "command": command,
        "begun_at": begun.astimezone(UTC).isoformat(timespec="seconds"),
        "machine": asdict(machine),
        "sections": [asdict(section) for section in sections],
    }
