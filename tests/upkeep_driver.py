"""Interrupts commands that change an archive or its copy, by SIGKILL or a power failure, and reports the state
afterwards.

Run as `python -m tests.upkeep_driver WORK CASES.json RESULTS.jsonl`. A case is `{"what": COMMAND, "point": NAME|null,
"passing": N, "kind": "kill"|"power"|"random"|"none", "seed": N}`. Each runs in processes forked from this one, which
has imported all modules and started no thread. `power` leaves only what was flushed to the disk (`tests.power`), and
with an odd seed more, at random; `random` kills after a part of the time that the command takes; `none` does not
interrupt. Every result is written as soon as it is known: a line of JSON.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from models.errors import ExtractError
from models.finding import Level
from models.observer import Observer
from pipelines.archive.archive import read_all_runs, write_record
from pipelines.archive.known_copies import read_known_copies
from pipelines.copies.check import verify_copy
from pipelines.copies.places import add_copy, open_place
from pipelines.copies.sync import sync_copy
from pipelines.disk import failpoints
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, finish_begun, forget, plan_forget, tombstones_of
from pipelines.forget.own_words import own_words
from pipelines.repair.repair import repair
from pipelines.upkeep.garbage import find_garbage, free
from pipelines.upkeep.import_store import import_store
from pipelines.upkeep.rebuild import rebuild
from pipelines.upkeep.rollback import plan_rollback, roll_back
from pipelines.verify.verify import check
from tests.crash_driver import in_child
from tests.forgetting import ONE, PLAIN, compact, holders, lines_of_history, put, record, work
from tests.imported import import_all
from tests.logical_checksum import checksums_of
from tests.power import Disk, replace_tree

Case = dict[str, object]
"""A case, or its result."""
IMPORTED: Final = "a message of another store"


def first_state(base: Path) -> None:
    """Make an archive of three runs, one of them undone long ago, with an imported store, and an old copy of it; and a
    store to import.
    """
    home, data = base / "home", base / "case" / "data"
    layout = Layout(data)
    put(home, "history.jsonl", "".join(lines_of_history()))
    put(home, f"projects/-p/{ONE}.jsonl", record("text", 1) + record(f"key {PLAIN}", 2))
    back_to = work(data, home)
    put(home, "notes.md", f"{PLAIN}\n")
    work(data, home)
    add_copy(layout, str(base / "case" / "place"))
    do_sync(base, layout)
    roll_back(layout, plan_rollback(layout, back_to), Observer())
    for run in read_all_runs(layout):
        for name in ("started_at", "finished_at"):
            setattr(run, name, (datetime.fromisoformat(getattr(run, name)) - timedelta(hours=30)).isoformat())
        for phase in run.phases:
            phase.committed_at = (datetime.fromisoformat(phase.committed_at) - timedelta(hours=30)).isoformat()
        write_record(layout, run, "test")
    put(home, "plans/two.md", "# two\n")
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
    """Delete undone runs."""
    free(layout, find_garbage(layout))


def do_run(base: Path, layout: Layout) -> None:
    """Read the home, which has grown."""
    work(layout.root, base / "home")


def do_sync(base: Path, layout: Layout) -> None:
    """Bring the copy up to date."""
    (known,) = read_known_copies(layout)
    sync_copy(layout, known, Observer())


def do_repair(base: Path, layout: Layout) -> None:
    """Mend the damage of `harm`, from an undamaged archive."""
    repair(layout, [base / "first" / "data"], {"mine": base / "home"}, Observer())


def harm(layout: Layout) -> None:
    """Damage a file of each kind that a repair puts back or makes again."""
    first = read_all_runs(layout)[0]
    parts = {part.table: layout.root / part.path for phase in first.phases for part in phase.parts if part.rows}
    parts["store"].unlink()
    for path in (parts["entries"], parts["manifest"], layout.copy_of(layout.commit_record(first.run_id))):
        path.write_bytes(b"other")


COMMANDS: Final[dict[str, Callable[[Path, Layout], None]]] = {
    "forget": do_forget,
    "rollback": do_rollback,
    "rebuild": do_rebuild,
    "import": do_import,
    "gc": do_gc,
    "run": do_run,
    "sync": do_sync,
    "repair": do_repair,
}
"""The commands that are interrupted, by name."""


AGAIN: Final = ("import", "sync", "repair")
"""The commands after which no run is tried instead of the same command: it would not do their work."""
LEVELS: Final = (Level.QUICK, Level.DEFAULT)
"""How an archive is verified before the next start after a kill, and after a power failure: a kill tears no file."""


def quietly(what: str, base: Path) -> int:
    """Do a command; returns 0, or the exit code of its error."""
    try:
        COMMANDS[what](base, Layout(base / "case" / "data"))
    except ExtractError as error:
        print(what, type(error).__name__, error, file=sys.stderr)
        return int(error.exit_code)
    return 0


def lose_power(disk: Disk, target: Path, seed: int, number: int, sign: int) -> None:
    """Write the surviving files of a disk, and end the process as SIGKILL does."""
    disk.write(target, random.Random(seed) if seed % 2 else None)
    os._exit(128 + sign)


def interrupted(base: Path, case: Case) -> int:
    """Do a command that is interrupted at a fail point."""
    if case["kind"] == "power":
        disk = Disk.watch(base / "case")
        os.kill = partial(lose_power, disk, base / "left", int(str(case["seed"])))
    failpoints.arm(str(case["point"]), int(str(case["passing"])), "kill")
    return quietly(str(case["what"]), base)


def errors_of_copy(base: Path, layout: Layout) -> list[str]:
    """Return the codes of the errors that `extract copy verify` reports."""
    (known,) = read_known_copies(layout)
    found = verify_copy(layout, known, open_place(known.place), Observer()).findings
    return [one.code for one in found if one.severity == "error"]


def look(base: Path, case: Case) -> Case:
    """Return the state before and after the next start, which is the same command or a run."""
    data, layout = base / "case" / "data", Layout(base / "case" / "data")
    what, seed = str(case["what"]), int(str(case["seed"]))
    between = [f"{one.code} {one.severity} {one.sentence}" for one in check(layout, LEVELS[case["kind"] == "power"])]
    of_copy = errors_of_copy(base, layout) if what == "sync" else []
    is_done = bool(tombstones_of(layout)) and not layout.forget_file.exists()
    undone = holders(data, PLAIN) if what == "forget" and is_done else []
    is_begun = what == "forget" and (layout.forget_file.exists() or bool(tombstones_of(layout)))
    is_again = what in AGAIN or (what != "run" and seed % 4 < 2)
    ended = quietly(what if is_again else "run", base)
    held = holders(data, PLAIN) if is_begun or (what == "forget" and is_again) else []
    return {
        "is_begun": is_begun,
        "between": between,
        "undone": undone,
        "is_again": is_again,
        "next": ended,
        "held": held,
        "findings": [f"{one.code} {one.address}" for one in check(layout) if one.severity != "information"],
        "copy": [*of_copy, *(errors_of_copy(base, layout) if what == "sync" else [])],
        "left": [path.name for path in layout.staging.iterdir()],
        "sums": {name: list(value) for name, value in checksums_of(data).items()},
        "imports": len(layout.imported_parts()),
    }


def renew(base: Path, what: str) -> None:
    """Put the first state in the place of the former case, damaged if it is to be repaired."""
    shutil.rmtree(base / "case")
    shutil.copytree(base / "first", base / "case", symlinks=True)
    if what == "repair":
        harm(Layout(base / "case" / "data"))


def do_case(base: Path, case: Case, unharmed: dict[str, float]) -> Case:
    """Interrupt a command, look, do it again or a run, and look again."""
    what, answer = str(case["what"]), base / "answer.json"
    longest = unharmed.get(what, 0.0) * 1.2
    while True:
        renew(base, what)
        if case["kind"] == "none":
            ended = 0
            break
        if case["kind"] != "random":
            ended = in_child(lambda: interrupted(base, case))
            break
        started = time.monotonic()
        delay = random.Random(int(str(case["seed"]))).random() * longest
        ended = in_child(partial(quietly, what, base), kill_after=delay)
        if ended == -signal.SIGKILL:
            break
        longest = time.monotonic() - started
    if (base / "left").exists():
        replace_tree(base / "case", base / "left")

    def looked() -> int:
        if case["kind"] == "none" and quietly(what, base):
            return 1
        answer.write_text(json.dumps(look(base, case)))
        return 0

    code = in_child(looked)
    made = json.loads(answer.read_text()) if code == 0 else {}
    return {**case, "ended": ended, "looked": code, **made}


def points_passed(base: Path, what: str) -> list[str]:
    """Return the fail points that a command passes, as often as it passes them."""
    log = base / "points.log"
    log.unlink(missing_ok=True)
    renew(base, what)

    def passing() -> int:
        failpoints.arm(None, log=str(log))
        return quietly(what, base)

    if in_child(passing):
        raise SystemExit(f"{what} failed")
    return log.read_text().split()


def all_cases(points: Mapping[str, list[str]], kind: str, count: int, seed: int) -> list[Case]:
    """Return `count` cases of one kind, evenly over the commands, and over the points that each passes."""
    chance = random.Random(seed)
    cases: list[Case] = []
    for number in range(count):
        what = list(COMMANDS)[number % len(COMMANDS)]
        at = chance.randrange(len(points[what]))
        point, passing = points[what][at], points[what][: at + 1].count(points[what][at])
        case: Case = {"what": what, "point": point, "passing": passing, "kind": kind, "seed": chance.randrange(1 << 30)}
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
    shutil.copytree(base / "case", base / "first", symlinks=True)


def main(base: Path, asked: Path, results: Path) -> None:
    """Do all cases sequentially. `asked` has a list of `[kind, count, seed]`."""
    begin(base)
    unharmed, points = {}, {}
    for what in COMMANDS:
        started = time.monotonic()
        points[what] = points_passed(base, what)
        unharmed[what] = time.monotonic() - started
    cases = [
        case for kind, count, seed in json.loads(asked.read_text()) for case in all_cases(points, kind, count, seed)
    ]
    expected: list[Case] = [
        {"what": what, "point": None, "passing": 0, "kind": "none", "seed": seed}
        for what in COMMANDS
        for seed in (0, 2)
    ]
    with results.open("a") as file:
        for case in [*expected, *cases]:
            print(json.dumps(do_case(base, case, unharmed)), file=file, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
