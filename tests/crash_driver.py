"""Makes runs fail, at a fail point or by SIGKILL at a random moment, and reports the state after the next run.

Run as `python -m tests.crash_driver WORK CASES.json RESULTS.json`. Each case runs in processes forked from this one,
which has imported all modules and started no thread: this saves the imports of each case. A case is
`{"point": NAME|null, "passing": N, "kind": "kill"|"raise"|"enospc"|"random", "delay": PART, "grown": BOOL,
"phases": [NUMBER, …]}`; without `phases`, all of them. `delay` is a fraction of the time of an undisturbed run; a case
whose run ends before it is killed is repeated.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from models.errors import ExtractError
from models.observer import Observer
from pipelines.archive.archive import read_runs
from pipelines.disk import failpoints
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.verify.verify import check
from pipelines.warehouse.opened import open_warehouse
from tests.imported import import_all
from tests.logical_checksum import logical_checksums
from tests.support import ALL_PHASES

FAILED_AS_ASKED = 70
SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"


def write_home(home: Path, *, grown: bool) -> None:
    """Write a small home with files of most formats; with `grown`, the same home a week later."""
    weeks = 2 if grown else 1
    (home / "projects" / "-p" / SESSION / "subagents").mkdir(parents=True, exist_ok=True)
    for name in ("debug", "todos", "file-history/" + SESSION, "session-env/" + SESSION):
        (home / name).mkdir(parents=True, exist_ok=True)
    prompts = "".join(
        f'{{"display":"prompt {n}","pastedContents":{{}},"timestamp":17687245{n:05d},"project":"/p",'
        f'"sessionId":"{SESSION}"}}\n'
        for n in range(5 * weeks)
    )
    (home / "history.jsonl").write_text(prompts + '{"display":"torn')
    records = "".join(
        f'{{"type":"user","uuid":"{n:08d}-0000-4000-8000-000000000000","parentUuid":null,"sessionId":"{SESSION}","cwd":"/p",'
        f'"version":"2.1.30","timestamp":"2026-01-0{n % 9 + 1}T00:00:00.000Z",'
        f'"message":{{"role":"user","content":"text {n}"}}}}\n'
        for n in range(20 * weeks)
    )
    (home / "projects" / "-p" / f"{SESSION}.jsonl").write_text(records + "broken line\n")
    (home / "projects" / "-p" / SESSION / "subagents" / "agent-a1b2c3d.jsonl").write_text(records[:400])
    log = "2026-01-23T16:46:29.314Z [DEBUG] [render] first\n    at f\n" * 10 * weeks
    (home / "debug" / f"{SESSION}.txt").write_text(log)
    todo = f'[{{"content":"do {weeks}","status":"pending","activeForm":"doing"}}]'
    (home / "todos" / f"{SESSION}-agent-{SESSION}.json").write_text(todo)
    (home / "file-history" / SESSION / f"0123456789abcdef@v{weeks}").write_text("content\n" * weeks)
    (home / "notes.md").write_text("# notes\n" * weeks)
    (home / ".credentials.json").write_text("{}")
    if grown:
        (home / "plans").mkdir(exist_ok=True)
        (home / "plans" / "new-plan.md").write_text("# a plan\n")


def in_child(work: Callable[[], int], *, kill_after: float | None = None) -> int:
    """Do `work` in a forked process, killed after `kill_after` seconds if it still runs; returns its exit code, or
    minus the signal that ended it.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setpgid(0, 0)
            code = work()
        finally:
            os._exit(code)
    if kill_after is not None:
        # Both parent and child create the process group, so that it exists before the parent kills it.
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(child, child)
        ends_at = time.monotonic() + kill_after
        while not (is_over := os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
            if (left := ends_at - time.monotonic()) <= 0:
                break
            time.sleep(min(left, 0.005))
        if not is_over:
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def run_once(data: Path, home: Path, phases: Sequence[int] = ALL_PHASES) -> int:
    """Do a run of some phases; returns its exit code, or FAILED_AS_ASKED if the armed fail point ended it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        return int(run_job(Layout(data), Request([("home", home)], phases), Observer()).exit_code)
    except failpoints.FailPointError:
        return FAILED_AS_ASKED
    except ExtractError as error:
        return FAILED_AS_ASKED if "fail" in str(error) or "died" in str(error) else int(error.exit_code)


def look(data: Path, target: Path, *, verified: bool = True) -> int:
    """Write the checksums of the published warehouse, the findings of verification, and the leftover files to
    `target`.
    """
    layout = Layout(data)
    with open_warehouse(layout) as connection:
        sums = {name: list(value) for name, value in logical_checksums(connection).items()}
    findings = [one.code for one in check(layout) if one.severity != "information"] if verified else []
    left = [path.name for path in layout.staging.iterdir()]
    complete = [run.run_id for run in read_runs(layout) if run.status == "complete"]
    target.write_text(json.dumps({"sums": sums, "findings": findings, "left": left, "complete": len(complete)}))
    return 0


def phases_of(case: dict[str, object]) -> tuple[int, ...]:
    """Return the phases of the runs of a case."""
    phases = case.get("phases")
    return tuple(phases) if isinstance(phases, list) else ALL_PHASES


def first_week(work: Path, phases: Sequence[int]) -> Path:
    """Return the archive of the first week, which the `grown` cases extend; makes it at the first call."""
    place = work / f"first-week-{'-'.join(map(str, phases))}"
    if not place.exists():
        home = work / "first-home"
        write_home(home, grown=False)
        in_child(partial(run_once, place, home, phases))
    return place


def write_case(work: Path, place: Path, case: dict[str, object]) -> tuple[Path, Path]:
    """Write the home of a case and the archive that it extends, and return their paths."""
    home, data = place / "home", place / "data"
    write_home(home, grown=False)
    if case["grown"]:
        shutil.copytree(first_week(work, phases_of(case)), data, symlinks=True)
        write_home(home, grown=True)
    return home, data


def kill(work: Path, place: Path, case: dict[str, object], longest: float) -> int:
    """Kill a run after the case's fraction of `longest` seconds; if it ends before, repeat it with its own duration
    instead of `longest`. Returns minus the signal.
    """
    while True:
        home, data = write_case(work, place, case)
        delay = float(str(case["delay"])) * longest
        started = time.monotonic()
        if (failed := in_child(partial(run_once, data, home, phases_of(case)), kill_after=delay)) == -signal.SIGKILL:
            return failed
        longest = time.monotonic() - started
        shutil.rmtree(place)


def do_case(work: Path, number: int, case: dict[str, object], unharmed: float) -> dict[str, object]:
    """Make a run fail as in the case, run again, and return the results. `unharmed` is the duration of an undisturbed
    run in seconds.
    """
    place = work / str(number)
    home, data = place / "home", place / "data"

    def fail() -> int:
        if case["point"]:
            failpoints.arm(str(case["point"]), int(str(case["passing"])), str(case["kind"]))
        return run_once(data, home, phases_of(case))

    if case["kind"] == "random":
        failed = kill(work, place, case, unharmed * 1.3)
    else:
        write_case(work, place, case)
        failed = in_child(fail)
    again = in_child(partial(run_once, data, home, phases_of(case)))
    looked = in_child(lambda: look(data, place / "look.json", verified=bool(case.get("verified", True))))
    made = json.loads((place / "look.json").read_text()) if looked == 0 else {}
    shutil.rmtree(place)
    return {**case, "failed": failed, "again": again, "looked": looked, **made}


def main(work: Path, cases_file: Path, results_file: Path) -> None:
    """Do all cases sequentially."""
    work.mkdir(parents=True, exist_ok=True)
    os.umask(0o077)
    import_all()
    cases = json.loads(cases_file.read_text())
    started = time.monotonic()
    if any(case["kind"] == "random" for case in cases):
        first_week(work, ALL_PHASES)
    unharmed = time.monotonic() - started
    results_file.write_text(json.dumps([do_case(work, number, case, unharmed) for number, case in enumerate(cases)]))


def random_cases(count: int, seed: int) -> list[dict[str, object]]:
    """Return cases of SIGKILL at random moments of a run."""
    chance = random.Random(seed)
    return [
        {
            "point": None,
            "passing": 0,
            "kind": "random",
            "delay": chance.random(),
            "grown": chance.random() < 0.5,
        }
        for _ in range(count)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
