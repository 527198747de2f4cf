"""Runs long versions of randomised tests and prints a table of the results: `python3 dev.py soak`.

Each check is a test that reads its amount of work from an environment variable `SOAK_…` and prints what it did in a
line `did: …`. Several run in parallel: a check with a fixed duration then does less work in it.
"""

import argparse
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.hostile_writer import KINDS

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check: `figure` of `unit` in a full soak, at least `least` in a scaled one.

    `test` is the file of a test and a part of its name; `in_suite` describes the amount of work in the suite.
    """

    what: str
    test: tuple[str, str]
    variable: str = ""
    figure: int
    least: int
    unit: str
    in_suite: str

    def scaled(self, scale: float) -> int:
        """Return the figure for a soak of this scale."""
        return max(self.least, round(self.figure * scale))

    def run(self, figure: int, scratch: str) -> tuple[str, str]:
        """Run it; returns how it ended and what it says it did."""
        path, name = self.test
        options = ("-m", "soak or not soak", "-q", "-s", "-rs", "-p", "no:cacheprovider", f"--basetemp={scratch}/tests")
        command = [sys.executable, "-m", "pytest", path, "-k", name, *options]
        code, lines = _said(command, ROOT, {self.variable: str(figure)} if self.variable else {})
        did = next((line.partition("did: ")[2] for line in lines if "did: " in line), "it does not say")
        if code:
            return "FAILED", did
        skipped = next((line for line in lines if line.startswith("SKIPPED")), None)
        return ("NOT RUN", skipped.rpartition(": ")[2]) if skipped else ("ok", did)


class Guided(Check):
    """Guided fuzzing, which is a program instead of a test."""

    def run(self, figure: int, scratch: str) -> tuple[str, str]:
        """Run it; returns how it ended and what it says it did."""
        if importlib.util.find_spec("atheris") is None:
            return "NOT RUN", "atheris is not installed (it is in the extra `soak` of pyproject.toml)"
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [sys.executable, "-m", self.test[0], str(figure)]
        code, lines = _said(command, Path(scratch), {"PYTHONPATH": os.pathsep.join(path)})
        did = next((line.removeprefix("Done ") for line in lines if line.startswith("Done ")), "")
        return ("FAILED" if code else "ok"), did


class Whole(Check):
    """All tests of which the suite takes a part of the cases."""

    def run(self, figure: int, scratch: str) -> tuple[str, str]:
        """Run them; returns how it ended and how many cases there were."""
        path, mark = self.test
        command = [sys.executable, "-m", "pytest", path, "-m", mark, "-q", "-p", "no:cacheprovider"]
        code, lines = _said([*command, f"--basetemp={scratch}/tests"], ROOT, {self.variable: str(figure)})
        return ("FAILED" if code else "ok"), lines[-1] if lines else ""


CHECKS: Mapping[str, Check] = {
    **{
        f"writer-{kind}": Check(
            what=f"homes under a hostile writer ({kind}), restored and compared after every run",
            test=("tests/run/test_hostile_writers.py", f"under_one_kind and {kind}"),
            variable="SOAK_SECONDS",
            figure=900,
            least=15,
            unit="seconds",
            in_suite="5 seconds, all kinds at once",
        )
        for kind in KINDS
    },
    "kills": Check(
        what="runs killed at a random moment, each made good by the next",
        test=("tests/run/test_crash.py", "killed_at_any_moment"),
        variable="SOAK_KILLS",
        figure=500,
        least=10,
        unit="runs",
        in_suite="none",
    ),
    "copy-kills": Check(
        what="syncs of a copy killed at a named step: the copy is sound, and the next sync ends it",
        test=("tests/copies/test_interrupted_copies.py", "killed_anywhere"),
        variable="SOAK_COPY_STEPS",
        figure=200,
        least=12,
        unit="steps",
        in_suite="4 steps",
    ),
    "copy-power": Check(
        what="syncs of a copy stopped by a loss of power: flushed files are intact, and the next sync completes it",
        test=("tests/copies/test_interrupted_copies.py", "after_a_power_loss"),
        variable="SOAK_COPY_STEPS",
        figure=200,
        least=12,
        unit="steps",
        in_suite="4 steps",
    ),
    "server": Check(
        what="the server of Prefect: asks its own port, ends with the process that was started",
        test=("tests/schedule/test_flows.py", "asks_its_own_port"),
        figure=1,
        least=1,
        unit="start",
        in_suite="none",
    ),
    "worker": Check(
        what="server, deployments, worker and a triggered run of Prefect: a killed worker costs that run alone",
        test=("tests/schedule/test_killed_worker.py", "a_worker_killed"),
        figure=1,
        least=1,
        unit="cycle",
        in_suite="none",
    ),
    "bucket": Check(
        what="three machines share a lake in S3: offline, killed and erased in between",
        test=("tests/lake/test_three_machines.py", "share_a_bucket"),
        figure=1,
        least=1,
        unit="history",
        in_suite="two machines, one push and one pull",
    ),
    "month": Check(
        what="a month of scheduled runs with accidents, a full and a lost disk, restored from the copy alone",
        test=("tests/schedule/test_month.py", "month"),
        variable="SOAK_RUNS",
        figure=30,
        least=12,
        unit="runs",
        in_suite="none",
    ),
    "fail-points": Check(
        what="every named fail point by SIGKILL, exception and full disk, each made good by the next run",
        test=("tests/run/test_crash.py", "in_all_phases"),
        figure=1,
        least=1,
        unit="sweep",
        in_suite="some points of each part in one way, in fewer phases",
    ),
    "erasure-kills": Check(
        what="erasures killed at every named point, each swept or finished by the next start",
        test=("tests/forget/test_killed_erasure.py", "killed_at_every_point"),
        figure=1,
        least=1,
        unit="sweep",
        in_suite="5 of the points",
    ),
    "renewals": Check(
        what="warehouses brought up to date over a random history, each compared with one made anew",
        test=("tests/laws/test_renewal.py", "brought_up_to_date"),
        variable="SOAK_RENEWALS",
        figure=40,
        least=2,
        unit="histories",
        in_suite="1 history, and two written by hand",
    ),
    "lines": Check(
        what="fuzzed lines through the readers",
        test=("tests/laws/test_fuzzed_lines.py", "are_tiled"),
        variable="SOAK_LINES",
        figure=1_000_000,
        least=10_000,
        unit="lines",
        in_suite="40,000 lines",
    ),
    "histories": Check(
        what="homes of made-up sessions, each rule of the answers compared with what was made up",
        test=("tests/laws/test_rules.py", "hold_of_every_history"),
        variable="SOAK_HISTORIES",
        figure=60,
        least=4,
        unit="homes",
        in_suite="2 homes",
    ),
    "worlds": Check(
        what="homes of transcripts that are forked, resumed, replayed, moved and synced, each event counted once",
        test=("tests/laws/test_counted_once.py", "counts_once"),
        variable="SOAK_WORLDS",
        figure=60,
        least=4,
        unit="homes",
        in_suite="1 home",
    ),
    "atheris": Guided(
        what="guided fuzzing of the readers",
        test=("tests.fuzz_atheris", ""),
        figure=600,
        least=15,
        unit="seconds",
        in_suite="none",
    ),
    "flips": Check(
        what="flipped bits below the data directory, each found",
        test=("tests/verify/test_bit_flips.py", "every_flipped_bit"),
        variable="SOAK_FLIPS",
        figure=1000,
        least=200,
        unit="bits",
        in_suite="a bit of every second kind of file, and of each file of rows or content",
    ),
    "damages": Check(
        what="kinds of files damaged in every way: found, mended from a copy and from the home, and run over",
        test=("tests/repair/test_every_damage.py", "in_every_way"),
        variable="SOAK_DAMAGES",
        figure=1000,
        least=6,
        unit="damages",
        in_suite="3 from a copy, others by hand",
    ),
    "advice": Check(
        what="the advice of each kind of finding, followed by a machine",
        test=("tests/repair/test_every_damage.py", "every_advice"),
        variable="SOAK_ADVICE",
        figure=1000,
        least=6,
        unit="kinds",
        in_suite="3 kinds",
    ),
    "repair-kills": Check(
        what="repairs killed at every named point, each made good by the next",
        test=("tests/repair/test_every_damage.py", "killed_at_any_point"),
        variable="SOAK_REPAIR_KILLS",
        figure=1000,
        least=4,
        unit="kills",
        in_suite="2 points",
    ),
    "races": Check(
        what="two runs started at once: one works, the other says so",
        test=("tests/disk/test_lock.py", "two_runs_started_at_once"),
        variable="SOAK_RACES",
        figure=30,
        least=3,
        unit="pairs",
        in_suite="3 pairs",
    ),
    "rollback-ends": Check(
        what="rollbacks ended at each fail point by SIGKILL, an exception and a full disk, each made good",
        test=("tests/upkeep/test_rollback.py", "died_anywhere"),
        figure=12,
        least=12,
        unit="ends",
        in_suite="3 ends",
    ),
    "collection-kills": Check(
        what="collections of garbage killed at each fail point, each finished by the next start",
        test=("tests/upkeep/test_garbage.py", "a_collection_that_is_killed"),
        figure=8,
        least=8,
        unit="kills",
        in_suite="2 kills",
    ),
    "disks": Check(
        what="runs on disks that fill up, each made good with more room",
        test=("tests/run/test_disk_full.py", "of_any_size"),
        variable="SOAK_DISKS",
        figure=24,
        least=6,
        unit="sizes",
        in_suite="2 sizes",
    ),
    "interruptions": Check(
        what="run, forget, rollback, rebuild, import and gc killed at a fail point or any moment, and made good",
        test=("tests/upkeep/test_interruptions.py", "killed"),
        variable="SOAK_INTERRUPTIONS",
        figure=500,
        least=6,
        unit="kills",
        in_suite="none",
    ),
    "power-losses": Check(
        what="run, forget, rollback, rebuild, import and gc by a power failure (only flushed data is sure to survive)",
        test=("tests/upkeep/test_interruptions.py", "power"),
        variable="SOAK_POWER_LOSSES",
        figure=200,
        least=6,
        unit="states",
        in_suite="none",
    ),
    "secrets": Check(
        what="secrets under 60 names, as copies, behind links of both kinds: opened (trace of system calls)",
        test=("tests/run/test_secrets_withheld.py", "no_call_of_the_system"),
        figure=2,
        least=2,
        unit="commands",
        in_suite="the same, in a run",
    ),
    "whole": Whole(
        what="all cases of the tests that take a part of theirs in the suite (tests/sampled.py)",
        test=("tests", "sampled"),
        variable="SOAK_WHOLE",
        figure=1,
        least=1,
        unit="sweep",
        in_suite="a part of the cases",
    ),
    "points": Check(
        what="restores as of a random run, byte for byte",
        test=("tests/restore/test_restore.py", "thousand_random_points"),
        variable="SOAK_POINTS",
        figure=1000,
        least=50,
        unit="points",
        in_suite="12 points",
    ),
}
"""All checks by name."""


def _said(command: list[str], where: Path, env: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a command; returns its exit code and its output lines, and prints these if it failed."""
    done = subprocess.run(
        command,
        cwd=where,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode:
        print("\n".join(lines[-80:]), file=sys.stderr, flush=True)
    return done.returncode, lines


def _row(name: str, figure: int) -> tuple[str, str]:
    """Run a check and print its row of the table; returns its result and the row."""
    check = CHECKS[name]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="extract-soak-", ignore_cleanup_errors=True) as scratch:
        result, did = check.run(figure, scratch)
    figures = check.in_suite, f"{check.figure:,} {check.unit}", f"{figure:,} {check.unit}"
    cells = f"{name}: {check.what}", *figures, did, result, f"{time.monotonic() - started:.0f}"
    row = f"| {' | '.join(cells)} |"
    print(row, flush=True)
    return result, row


def main(arguments: list[str]) -> int:
    """Run the checks in the arguments and print the table row by row. Returns 1 if one failed."""
    parser = argparse.ArgumentParser("dev.py soak", description="Runs the long checks and prints a table of figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CHECKS)}; all without one")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the whole figures; 0.02 takes minutes")
    parser.add_argument("--jobs", type=int, default=len(KINDS) + 2, metavar="N", help="checks at a time; %(default)s")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table there too, in order")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.names) - set(CHECKS)):
        parser.error(f"there is no {', '.join(unknown)}")
    names = asked.names or list(CHECKS)
    scale = [] if asked.scale == 1 else [f"--scale {asked.scale:g}"]
    jobs = [] if asked.jobs == parser.get_default("jobs") else [f"--jobs {asked.jobs}"]
    command = " ".join(["python3 dev.py soak", *scale, *jobs, *asked.names])
    machine = f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    head = [
        f"`{command}`, begun {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}:",
        "",
        "| check | in the suite | whole soak | asked for | done | result | seconds |",
        "| --- | --- | --- | --- | --- | --- | ---: |",
    ]
    print("\n".join(head), flush=True)
    started = time.monotonic()
    with ThreadPoolExecutor(asked.jobs) as pool:
        made = list(pool.map(_row, names, [CHECKS[name].scaled(asked.scale) for name in names]))
    ended = [result for result, _ in made]
    counts = f"{ended.count('ok')} ok, {ended.count('FAILED')} failed, {ended.count('NOT RUN')} not run"
    last = ["", f"{counts}; {time.monotonic() - started:.0f} seconds in all."]
    print("\n".join(last), flush=True)
    if asked.write is not None:
        asked.write.write_text("\n".join([*head, *(row for _, row in made), *last]) + "\n", encoding="utf-8")
    return 1 if "FAILED" in ended else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
