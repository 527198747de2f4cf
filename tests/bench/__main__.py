"""`python3 dev.py bench`: measures the project and yardsticks alternately, and compares the results with the goals.

The test suite runs none of this: tests are not timed.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.bench import limits, peers, queries, runs, steps, weekly, yardsticks
from tests.bench.context import Bench
from tests.bench.process import CommandFailed
from tests.bench.report import Section, document, goal_table, look_at_machine, section_lines, to_json, to_markdown

MEASUREMENTS: Final[Mapping[str, Callable[[Bench], Section]]] = {
    "cold": runs.cold,
    "second": runs.second,
    "appended": runs.appended,
    "weekly": weekly.weekly,
    "memory": limits.memory,
    "disk": limits.disk,
    "many-files": limits.many_files,
    "help": limits.answers,
    "queries": queries.queries,
    "yardsticks": yardsticks.yardsticks,
    "others": peers.others,
    "profile": steps.profile,
}
"""The measurements by name, in the order in which they are done."""

_MADE_UP_ONLY: Final = ("weekly", "many-files")
_MB: Final = 250.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dev.py bench",
        description="Measures runs over made-up homes beside yardsticks, and prints ratios. See tests/bench/README.md.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all without one")
    parser.add_argument("--mb", type=float, default=_MB, help="MB of the home; the others follow (%(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up homes (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, metavar="K", help="how often each is measured (%(default)s)")
    parser.add_argument(
        "--home", type=Path, action="append", default=[], metavar="PATH", help="measure on this one; it is only read"
    )
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="write below DIR, and keep what is installed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page there")
    return parser


def _command(asked: argparse.Namespace) -> str:
    """Return the command that repeats the measurement, with HOME in place of the paths of homes."""
    words = ["python3 dev.py bench"]
    words += [f"--mb {asked.mb:g}"] if asked.mb != _MB else []
    words += [f"--seed {asked.seed}"] if asked.seed != 1 else []
    words += [f"--runs {asked.runs}"] if asked.runs != 3 else []
    words += ["--home PATH"] * len(asked.home)
    return " ".join([*words, *asked.names])


def _measure(bench: Bench, names: Sequence[str]) -> tuple[list[Section], int]:
    """Do the measurements and print each when it is done. Returns them, and the number that failed."""
    sections, failed = [], 0
    for name in names:
        started = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            section = MEASUREMENTS[name](bench)
        except CommandFailed as error:
            failed += 1
            section = Section(name, f"{name}: not measured", notes=[str(error)])
        section.seconds = time.monotonic() - started
        sections.append(section)
        print("\n".join(section_lines(section)), flush=True)
        print(f"{name}: {section.seconds:.0f} s", file=sys.stderr, flush=True)
    return sections, failed


def main(arguments: Sequence[str]) -> int:
    """Do the measurements in the arguments. Returns 1 if one of them failed; a goal that is not met is not an error."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.names) - set(MEASUREMENTS)):
        parser.error(f"there is no {', '.join(unknown)}")
    if not asked.mb > 0 or asked.runs < 1:
        parser.error("--mb and --runs are more than zero")
    if missing := [str(path) for path in asked.home if not path.is_dir()]:
        parser.error(f"there is no home at {', '.join(missing)}")
    names = asked.names or [name for name in MEASUREMENTS if not (asked.home and name in _MADE_UP_ONLY)]
    begun, machine, command = datetime.now(UTC), look_at_machine(), _command(asked)
    print(f"{command}: {machine.sentence()}\n", flush=True)
    if asked.scratch is not None:
        asked.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="extract-bench-", dir=asked.scratch, ignore_cleanup_errors=True) as scratch:
        kept = (asked.scratch or Path(scratch)).absolute() / "peers"
        bench = Bench(Path(scratch).absolute(), kept, asked.mb, asked.seed, asked.runs, asked.home)
        sections, failed = _measure(bench, names)
        # Before the scratch directory is removed, which may take minutes.
        print("\n".join(to_markdown(goal_table(sections))), flush=True)
        if asked.json is not None:
            asked.json.write_text(
                json.dumps(to_json(sections, command, machine, begun), indent=1) + "\n", encoding="utf-8"
            )
        if asked.write is not None:
            asked.write.write_text(document(sections, command, machine, begun), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
