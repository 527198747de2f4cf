"""Interrupts commands that change an archive, by SIGKILL or a power failure, and reports what is found afterwards.

Run as `python -m tests.upkeep_driver WORK CASES.json RESULTS.json`. A case is `{"what": COMMAND, "point": NAME|null,
"passing": N, "kind": "kill"|"power"|"random", "seed": N}`. Each runs in processes forked from this one, which has
imported all modules and started no thread. `power` leaves only what was flushed to the disk (`tests.power`), and with
an odd seed more, at random; `random` kills after a part of the time that the command takes.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from models.errors import ExtractError
from models.observer import Observer
from pipelines.archive.archive import read_all_runs, write_record
from pipelines.disk import failpoints
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, finish_begun, forget, plan_forget, tombstones_of
from pipelines.forget.own_words import own_words
from pipelines.upkeep.garbage import find_garbage, free
from pipelines.upkeep.import_store import import_store
from pipelines.upkeep.rebuild import rebuild
from pipelines.upkeep.rollback import plan_rollback, roll_back
from pipelines.verify.verify import check
from tests.crash_driver import in_child
from tests.forgetting import ONE, PLAIN, compact, holders, lines_of_history, put, record, sums, work
from tests.imported import import_all
from tests.power import Disk, replace_tree

IMPORTED: Final = "a message of another store"


def first_state(base: Path) -> None:
    """Make an archive of four runs, two of them undone long ago, with an imported store; and a store to import."""
    home, data, layout = base / "home", base / "data", Layout(base / "data")
    put(home, "history.jsonl", "".join(lines_of_history()))
    put(home, f"projects/-p/{ONE}.jsonl", record("text", 1) + record(f"key {PLAIN}", 2))
    back_to = work(data, home)
    put(home, "notes.md", f"{PLAIN}\n")
    work(data, home)
    put(home, "plans/one.md", "# one\n")
    work(data, home)
    roll_back(layout, plan_rollback(layout, back_to), Observer())
    for run in read_all_runs(layout):
        for name in ("started_at", "finished_at"):
            setattr(run, name, (datetime.fromisoformat(getattr(run, name)) - timedelta(hours=30)).isoformat())
        for phase in run.phases:
            phase.committed_at = (datetime.fromisoformat(phase.committed_at) - timedelta(hours=30)).isoformat()
        write_record(layout, run, "test")
    for number in range(2):
        put(home, "plans/two.md", f"# two {number}\n")
        work(data, home)
    old, new = base / "old.jsonl", base / "new.jsonl"
    old.write_text(compact({"content": f"imported {PLAIN}"}) + "\n" + compact({"content": "one more"}) + "\n")
    new.write_text(compact({"content": IMPORTED}) + "\n")
    import_store(layout, messages=old, hashes=None)
    put(home, "plans/three.md", "# three\n")


def do_forget(base: Path, layout: Layout) -> None:
    """Erase the text, as `extract forget` does."""
    finish_begun(layout, Observer())
    forget(layout, plan_forget(layout, ErasureTarget("text", PLAIN)), Observer())


def do_rollback(base: Path, layout: Layout) -> None:
    """Go back to the first run."""
    roll_back(layout, plan_rollback(layout, read_all_runs(layout)[0].run_id), Observer())


def do_rebuild(base: Path, layout: Layout) -> None:
    """Build the warehouse again."""
    rebuild(layout, Observer())


def do_import(base: Path, layout: Layout) -> None:
    """Import the second store."""
    import_store(layout, messages=base / "new.jsonl", hashes=None)


def do_gc(base: Path, layout: Layout) -> None:
    """Free what was undone."""
    free(layout, find_garbage(layout))


def do_run(base: Path, layout: Layout) -> None:
    """Read the home, which has grown."""
    work(layout.root, base / "home")


COMMANDS: Final[dict[str, Callable[[Path, Layout], None]]] = {
    "forget": do_forget,
    "rollback": do_rollback,
    "rebuild": do_rebuild,
    "import": do_import,
    "gc": do_gc,
    "run": do_run,
}
"""The commands that are interrupted, by name."""


def quietly(what: str, base: Path, data: Path) -> int:
    """Do a command; returns 0, or the exit code of its error."""
    try:
        COMMANDS[what](base, Layout(data))
    except ExtractError as error:
        print(what, type(error).__name__, error, file=sys.stderr)
        return int(error.exit_code)
    return 0


def lose_power(disk: Disk, target: Path, seed: int, number: int, sign: int) -> None:
    """Write what survives of a disk, and end the process as SIGKILL does."""
    disk.write(target, random.Random(seed) if seed % 2 else None)
    os._exit(128 + sign)


def interrupted(base: Path, data: Path, case: dict[str, object]) -> int:
    """Do a command that is interrupted at a fail point."""
    if case["kind"] == "power":
        disk = Disk.watch(data)
        os.kill = partial(lose_power, disk, data.with_name(f"{data.name}-left"), int(str(case["seed"])))
    failpoints.arm(str(case["point"]), int(str(case["passing"])), "kill")
    return quietly(str(case["what"]), base, data)


def look(base: Path, data: Path, case: dict[str, object]) -> dict[str, object]:
    """Return what is found before and after the next start: the same command (not with every seed), then a run."""
    layout = Layout(data)
    what = str(case["what"])
    between = [f"{one.code} {one.severity} {one.sentence}" for one in check(layout)]
    is_done = bool(tombstones_of(layout)) and not layout.forget_file.exists()
    undone = holders(data, PLAIN) if what == "forget" and is_done else []
    is_begun = what == "forget" and (layout.forget_file.exists() or bool(tombstones_of(layout)))
    is_again = what != "run" and (what == "import" or int(str(case["seed"])) % 4 < 2)
    again = quietly(what, base, data) if is_again else 0
    run = quietly("run", base, data)
    held = holders(data, PLAIN) if is_begun or (what == "forget" and is_again) else []
    return {
        "is_begun": is_begun,
        "between": between,
        "undone": undone,
        "is_again": is_again,
        "again": again,
        "held": held,
        "run": run,
        "findings": [f"{one.code} {one.address}" for one in check(layout) if one.severity != "information"],
        "left": [path.name for path in layout.staging.iterdir()],
        "sums": {name: list(value) for name, value in sums(data).items()},
        "imports": len(layout.imported_parts()),
    }


def do_case(base: Path, number: int, case: dict[str, object], unharmed: dict[str, float]) -> dict[str, object]:
    """Interrupt a command, look, do it again, and look again."""
    data, answer = base / f"data-{number}", base / f"{number}.json"
    longest = unharmed.get(str(case["what"]), 0.0) * 1.2
    while True:
        shutil.copytree(base / "data", data, symlinks=True)
        if case["kind"] != "random":
            ended = in_child(lambda: interrupted(base, data, case))
            break
        started = time.monotonic()
        delay = random.Random(int(str(case["seed"]))).random() * longest
        ended = in_child(partial(quietly, str(case["what"]), base, data), kill_after=delay)
        if ended == -signal.SIGKILL:
            break
        longest = time.monotonic() - started
        shutil.rmtree(data)
    left = data.with_name(f"{data.name}-left")
    if left.exists():
        replace_tree(data, left)

    def looked() -> int:
        answer.write_text(json.dumps(look(base, data, case)))
        return 0

    code = in_child(looked)
    shutil.rmtree(data)
    made = json.loads(answer.read_text()) if code == 0 else {}
    return {**case, "ended": ended, "looked": code, **made}


def points_passed(base: Path, what: str) -> list[str]:
    """Return the fail points that a command passes, as often as it passes them."""
    data, log = base / "points", base / "points.log"
    shutil.copytree(base / "data", data, symlinks=True)
    log.unlink(missing_ok=True)

    def passing() -> int:
        failpoints.arm(None, log=str(log))
        return quietly(what, base, data)

    if in_child(passing):
        raise SystemExit(f"{what} failed")
    shutil.rmtree(data)
    return log.read_text().split()


def all_cases(base: Path, kind: str, count: int, seed: int) -> list[dict[str, object]]:
    """Return `count` cases of one kind, evenly over the commands, and over the points that each passes."""
    chance = random.Random(seed)
    points = {what: points_passed(base, what) for what in COMMANDS}
    cases: list[dict[str, object]] = []
    for number in range(count):
        what = list(COMMANDS)[number % len(COMMANDS)]
        at = chance.randrange(len(points[what]))
        point, passing = points[what][at], points[what][: at + 1].count(points[what][at])
        case = {"what": what, "point": point, "passing": passing, "kind": kind, "seed": chance.randrange(1 << 30)}
        cases.append(case)
    return cases


def begin(base: Path) -> None:
    """Make the first state in a forked process."""
    base.mkdir(parents=True, exist_ok=True)
    os.umask(0o077)
    import_all()
    own_words()

    def began() -> int:
        first_state(base)
        return 0

    if in_child(began):
        raise SystemExit("the archive to begin with could not be made")


def main(base: Path, asked: Path, results: Path) -> None:
    """Do all cases sequentially. `asked` has a list of `[kind, count, seed]`."""
    begin(base)
    unharmed = {}
    for what in COMMANDS:
        started = time.monotonic()
        points_passed(base, what)
        unharmed[what] = time.monotonic() - started
    cases = [case for kind, count, seed in json.loads(asked.read_text()) for case in all_cases(base, kind, count, seed)]
    expected: list[dict[str, object]] = [
        {"what": what, "point": None, "passing": 0, "kind": "none", "seed": 0} for what in COMMANDS
    ]
    made = [do_case(base, number, case, unharmed) for number, case in enumerate([*expected, *cases])]
    results.write_text(json.dumps(made))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
