"""Tests `run_in_processes` in a process with a single thread: `python -m tests.spread_driver CASE DIRECTORY`.

The test process cannot do this: earlier tests leave threads behind, and a process with several threads does not fork.
"""

import os
import sys
import threading
from pathlib import Path

from models.errors import StageError
from pipelines.run.processes import run_in_processes

HEAVY = 1 << 30
_OWN = os.getpid()


def _who(_: int) -> int:
    return os.getpid()


def _die(_: int) -> int:
    if os.getpid() != _OWN:
        match sys.argv[1]:
            case "killed":
                os.kill(os.getpid(), 9)
            case "ended":
                os._exit(0)
            case _:
                raise ValueError("no")
    return 0


def _fail_here(_: int) -> int:
    mark = Path(sys.argv[2]) / "pid"
    if os.getpid() != _OWN:
        mark.write_text(str(os.getpid()))
        threading.Event().wait()
    while not mark.exists() or not mark.read_text():
        pass
    raise KeyboardInterrupt


def main() -> None:
    """Do one case and print its result."""
    match sys.argv[1]:
        case "little":
            print(len(set(run_in_processes(_who, [1, 2, 3], [1, 2, 3], 2)) - {_OWN}))
        case "much":
            print(len(set(run_in_processes(_who, [1, 2, 3], [HEAVY] * 3, 2)) - {_OWN}))
        case "here":
            try:
                run_in_processes(_fail_here, [1, 2], [HEAVY] * 2, 2)
            except KeyboardInterrupt:
                print("interrupted")
        case _:
            try:
                run_in_processes(_die, [1, 2], [HEAVY] * 2, 2)
            except StageError as error:
                print(error)


if __name__ == "__main__":
    main()
