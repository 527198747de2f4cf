"""Runs a command and measures its whole process tree: wall time, CPU time and peak memory.

This module and its importers use the standard library only: Linux counts the largest resident set of a child from that
of the process that forked it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

_EVERY: Final = 0.05
_SHARE: Final = 0.05
"""The share of a core that sampling the memory may use: on two cores, more would distort the times."""


class CommandFailed(Exception):
    """A command failed, so its measurements are useless. The message has the command, exit code and last output."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The measurements of a command; times in seconds, memory in bytes.

    `peak` is the largest sum of the proportional set sizes of the process tree (which count shared memory once), or
    None if the system does not report them; `largest` is the largest resident set of any one process.
    """

    wall: float
    cpu: float
    peak: int | None
    largest: int
    code: int
    out: bytes


class _Sampler(threading.Thread):
    """Samples the memory of a process tree until it is stopped."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            started = time.thread_time()
            self.peak = max(self.peak, sum(map(_proportional_size, _tree(self._root))))
            pause = max(_EVERY, (time.thread_time() - started) / _SHARE)

    def stop(self) -> int:
        """Return the peak in bytes."""
        self._ended.set()
        self.join()
        return self.peak


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_bytes().split())
        except OSError:
            continue
    return found


def _proportional_size(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith(b"Pss:")), 0)


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    fine: Sequence[int] = (0,),
) -> Ran:
    """Run a command and return its measurements. Raises CommandFailed if its exit code is not in `fine`."""
    with TemporaryFile() as out, TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd)
        sampler = _Sampler(child.pid)
        sampler.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:
            child.kill()
            raise
        finally:
            peak = sampler.stop()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in fine:
            printed = _read(err)[-2000:].decode(errors="replace") or _read(out)[-2000:].decode(errors="replace")
            raise CommandFailed(f"{' '.join(command)[:300]} ended with {child.returncode}: {printed.strip()}")
        unit = 1 if sys.platform == "darwin" else 1024
        cpu = usage.ru_utime + usage.ru_stime
        return Ran(wall, cpu, peak or None, usage.ru_maxrss * unit, child.returncode, _read(out))


def _read(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
