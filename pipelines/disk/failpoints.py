"""Fail points: named places in the code at which a test can make a process fail, by an exception, by SIGKILL, or by the
error of a full disk.

`EXTRACT_FAIL_AT=<point>[@n]=<kill|raise|enospc>` arms one point, which fails the n-th time it is reached (default: the
first). `EXTRACT_FAIL_LOG=<file>` appends the name of every point that is reached, so that a test can list them. Without
these variables the points do nothing.
"""

import errno
import os
import signal
from dataclasses import dataclass, field


class FailPointError(RuntimeError):
    """Raised at an armed point of kind `raise`; never raised in normal use."""


@dataclass(slots=True)
class _State:
    point: str | None = None
    passing: int = 1
    kind: str = "raise"
    log: str | None = None
    passed: dict[str, int] = field(default_factory=dict)


_state = _State()


def arm(point: str | None, passing: int = 1, kind: str = "raise", log: str | None = None) -> None:
    """Arm `point` (None: no point) to fail the `passing`-th time it is reached; append reached points to `log`."""
    global _state  # one process, one armed point
    _state = _State(point, passing, kind, log)


def _arm_from_environment() -> None:
    armed, log = os.environ.get("EXTRACT_FAIL_AT"), os.environ.get("EXTRACT_FAIL_LOG")
    if armed or log:
        where, _, kind = (armed or "").partition("=")
        name, _, passing = where.partition("@")
        arm(name or None, int(passing or 1), kind, log)


_arm_from_environment()


def reach(point: str) -> None:
    """Mark that the process reached a named point; fails here if a test has armed it."""
    state = _state
    if state.point is None and state.log is None:
        return
    state.passed[point] = state.passed.get(point, 0) + 1
    if state.log is not None:
        with open(state.log, "a", encoding="utf-8") as log:
            log.write(point + "\n")
    if state.point != point or state.passed[point] != state.passing:
        return
    if state.kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if state.kind == "enospc":
        raise OSError(errno.ENOSPC, "No space left on device (fail point)")
    raise FailPointError(point)
