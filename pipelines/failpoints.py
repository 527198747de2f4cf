"""Named points at which a test can make the pipeline fail: by an exception, by SIGKILL, or as if the disk were full.

`EXTRACT_FAIL_AT=<point>[@n]=<kill|raise|enospc>` arms one point for its n-th passing (1 without `@n`). Nothing is armed
otherwise.
`EXTRACT_FAIL_LOG=<file>` appends the name of every point that is passed, so that a test can list them all.
"""

import errno
import os
import signal
from typing import Final

_ARMED: Final = os.environ.get("EXTRACT_FAIL_AT")
_LOG: Final = os.environ.get("EXTRACT_FAIL_LOG")
_passed: dict[str, int] = {}


class FailPointError(RuntimeError):
    """Raised at an armed point of kind `raise`; never in normal use."""


def reach(point: str) -> None:
    """Pass a named point."""
    if _ARMED is None and _LOG is None:
        return
    _passed[point] = _passed.get(point, 0) + 1
    if _LOG is not None:
        with open(_LOG, "a") as log:
            log.write(point + "\n")
    if _ARMED is None:
        return
    where, _, kind = _ARMED.partition("=")
    name, _, nth = where.partition("@")
    if name != point or _passed[point] != int(nth or 1):
        return
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "enospc":
        raise OSError(errno.ENOSPC, "No space left on device (fail point)")
    raise FailPointError(point)
