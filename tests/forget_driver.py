"""Kills an erasure at each of its fail points, and reports the state for readers and the state after the next start.

Run as `python -m tests.forget_driver WORK RESULTS.json POINT...`. Each case runs in processes forked from this one,
which has imported all modules and started no thread: this saves the imports of each case.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from models.observer import Observer
from pipelines.archive.store import StoreReader
from pipelines.archive.sweep import sweep
from pipelines.archive.tombstones import read_graveyard
from pipelines.disk import failpoints
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, finish_begun, forget, plan_forget, tombstones_of
from pipelines.forget.own_words import own_words
from pipelines.upkeep.import_store import import_store
from pipelines.verify.verify import check
from tests.crash_driver import in_child
from tests.forgetting import ONE, PLAIN, compact, files_of, holders, lines_of_history, put, record, work
from tests.imported import import_all
from tests.logical_checksum import checksums_of

BEFORE: Final = ("forget:before-part", "forget:after-part@5", "forget:before-rename")
"""Fail points before the erasure begins: the next start sweeps what was written."""
AFTER: Final = (
    "forget:after-rename",
    "tombstones:before-rename",
    "tombstones:after-rename",
    "forget-record:before-rename",
    "forget-record:after-rename@2",
    "forget:import-moved",
    "forget:deleted",
    "sweep:removed@3",
    "forget-text:before-rename",
    "publish:before-link",
    "forget:before-warehouse-record",
    "report:before-rename@4",
    "forget:before-end",
    "forget:ended",
)
"""Fail points after the journal was written: the next start finishes the erasure."""


@dataclass(slots=True)
class Case:
    """The results of one kill: how the process ended; whether the erasure had begun; the state for readers before the
    next start; afterwards, the places that contain the text, the findings and the leftover files; whether the warehouse
    is as expected.
    """

    point: str
    ended: int = 0
    is_begun: bool = False
    seen_between: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    tombstones: int = 0
    is_as_expected: bool = False


def begin(base: Path) -> None:
    """Make a home, an archive of two runs with an imported store, and the expected results of an erasure and a third
    run.
    """
    home = base / "home"
    put(home, "history.jsonl", "".join(lines_of_history()))
    put(home, f"projects/-p/{ONE}.jsonl", record("text", 1) + record(f"key {PLAIN}", 2))
    work(base / "data", home)
    put(home, "notes.md", f"{PLAIN}\n")
    work(base / "data", home)
    store = base / "unique_messages.jsonl"
    store.write_text(compact({"content": f"imported {PLAIN}"}) + "\n" + compact({"content": "one more"}) + "\n")
    import_store(Layout(base / "data"), messages=store, hashes=None)
    shutil.copytree(base / "data", base / "expected", symlinks=True)
    erase(base / "expected")
    work(base / "expected", home)
    (base / "expected.json").write_text(json.dumps(checksums_of(base / "expected")))


def erase(data: Path) -> None:
    """Erase the text, as `extract forget` does."""
    layout = Layout(data)
    finish_begun(layout, Observer())
    forget(layout, plan_forget(layout, ErasureTarget("text", PLAIN)), Observer())


def killed(data: Path, point: str) -> int:
    """Erase the text, and die at a fail point; returns the exit code."""
    name, _, passing = point.partition("@")
    failpoints.arm(name, int(passing or 1), "kill")
    erase(data)
    return 0


def look(base: Path, data: Path, case: Case, number: int) -> None:
    """Examine the archive, start again (alternately by an erasure or a run), and examine it again."""
    layout = Layout(data)
    case.is_begun = layout.forget_file.exists() or read_graveyard(layout) is not None
    reader = StoreReader.open(layout)
    for state in reader.files():
        if state.file_id is not None and state.entry_type == "file":
            content = b"".join(reader.read_range(state.file_id, 0, state.size, without_erased=True))
            if PLAIN.encode() in content:
                case.seen_between.append(state.path)
    if not case.is_begun:
        sweep(layout)
        case.is_as_expected = listing(data) == listing(base / "data")
        return
    if number % 2:
        erase(data)
    else:
        work(data, base / "home")
    case.held = holders(data, PLAIN)
    if number % 3 == 0:
        case.findings = [one.code for one in check(layout) if one.severity != "information"]
    case.left = [path.name for path in layout.staging.iterdir()]
    case.left += [layout.forget_file.name] if layout.forget_file.exists() else []
    case.tombstones = len(tombstones_of(layout))
    expected = json.loads((base / "expected.json").read_text())
    case.is_as_expected = {name: list(value) for name, value in checksums_of(data).items()} == expected


def listing(data: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a data directory except the lock."""
    return {name: content for name, content in files_of(data).items() if name != "writer.lock"}


def do_case(base: Path, number: int, point: str) -> dict[str, object]:
    """Do one case in forked processes."""
    data, answer = base / f"data-{number}", base / f"{number}.json"
    shutil.copytree(base / "data", data, symlinks=True)
    ended = in_child(lambda: killed(data, point))

    def looked() -> int:
        case = Case(point, ended)
        look(base, data, case, number)
        answer.write_text(json.dumps(asdict(case)))
        return 0

    code = in_child(looked)
    shutil.rmtree(data)
    made: dict[str, object] = json.loads(answer.read_text()) if code == 0 else {"point": point, "looked": code}
    return made


def main(base: Path, results: Path, points: Sequence[str]) -> None:
    """Do a case for each of the points, sequentially."""
    base.mkdir(parents=True, exist_ok=True)
    os.umask(0o077)
    import_all()

    def began() -> int:
        begin(base)
        return 0

    own_words()  # once, for all children
    if in_child(began):
        raise SystemExit("the archive to begin with could not be made")
    results.write_text(json.dumps([do_case(base, number, point) for number, point in enumerate(points)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
