"""One writer at a time for each data directory: a lock on a file that is never deleted. The file names the holder.

Readers take no lock and never wait. The operating system releases the lock when its holder exits or is killed, so the
content of the file is valid only while the file is locked; but the holder that ends writes that it did, so one that was
stopped before its end can be named (`unfinished`). A forked child inherits the lock and would keep it after its parent
was killed, so each child closes it first.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from models.errors import ConfigurationError, DataDirectoryError, LockedError
from models.seal import sealed
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.obstacles import clear_directories, set_aside
from pipelines.disk.platform import full_fsync, same_file, try_lock

_COMMANDS: Final = frozenset(
    {"drill", "embed", "forget", "gc", "home", "import-store", "rebuild", "repair", "rollback", "search", "token"}
)
"""Names of holders that are commands; any other name is a run_id."""
_TRIES: Final = 3
_BETWEEN_TRIES: Final = 0.05
_NO_INHERITANCE: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_NO_WAITING: Final = getattr(os, "O_NONBLOCK", 0)
"""A pipe in the place of the lock file would be waited for."""
_NO_LOCKS_HERE: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})

_held: dict[Path, int] = {}
"""The file descriptors of the locks that this process holds, by path."""
_after_stopped: set[Path] = set()
"""Those of these locks whose holder before was stopped before its end, or left no readable word of its end."""

_obstacles: dict[Path, list[str]] = {}
"""The paths that each of these holders has moved out of the place of a directory, by the path of the lock."""


@contextmanager
def writing(layout: Layout, name: str) -> Iterator[None]:
    """Hold the writer's lock of the data directory for the block, under the name of a run or command (see `announce`).

    Raises LockedError, naming the holder, when another process has it, and DataDirectoryError when the file system has
    no locks. An OSError of the block becomes DataDirectoryError or DiskFullError (see `disk_errors`).
    """
    with disk_errors():
        make_private(layout.root)
        descriptor = _locked(layout)
    _held[layout.lock_file] = descriptor
    if _content(descriptor).get("ended_at") is None:
        _after_stopped.add(layout.lock_file)
    try:
        with disk_errors():
            _obstacles[layout.lock_file] = clear_directories(layout)
            layout.prepare()
            announce(layout, name)
            reach("lock:taken")
            try:
                yield
            except ConfigurationError:  # the command was refused: it has changed nothing
                _write(layout, name, is_ended=True)
                raise
            _write(layout, None, is_ended=True)
    finally:
        _after_stopped.discard(layout.lock_file)
        _obstacles.pop(layout.lock_file, None)
        if _held.pop(layout.lock_file, None) is not None:
            os.close(descriptor)


def follows_stopped_writer(layout: Layout) -> bool:
    """Return whether this process holds the lock and the writer before may have been stopped before its end."""
    return layout.lock_file in _after_stopped


def obstacles_cleared(layout: Layout) -> list[str]:
    """Return the files that were in the place of directories when this process took the lock, and were set aside: paths
    below the data directory.
    """
    return _obstacles.get(layout.lock_file, [])


def announce(layout: Layout, name: str) -> None:
    """Write pid, name and time into the lock file if this process holds it, for the message of a process that waits.

    `name` is a command, or the run_id as soon as the run has one.
    """
    _write(layout, name, is_ended=False)


def _write(layout: Layout, name: str | None, *, is_ended: bool) -> None:
    """Write the content of the lock file if this process holds it; without a `name`, keep the one that is there."""
    descriptor = _held.get(layout.lock_file)
    if descriptor is None:
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    before = _content(descriptor) if is_ended else {}
    fields = {
        "pid": os.getpid(),
        "run_id": name or before.get("run_id"),
        "started_at": before.get("started_at", now),
        "ended_at": now if is_ended else None,
    }
    text = sealed(orjson.dumps(fields, option=orjson.OPT_INDENT_2), ".json")
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text)
    os.ftruncate(descriptor, len(text))
    full_fsync(descriptor)


def _content(descriptor: int) -> dict[str, object]:
    """Return the fields of an open lock file; none where they cannot be read."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        fields = orjson.loads(os.read(descriptor, 4096))
    except (OSError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A writer that was stopped before its end: its command, and when it began (UTC, ISO 8601)."""

    command: str
    started_at: str


def unfinished(layout: Layout) -> Unfinished | None:
    """Return the last writer if it was stopped before its end; None if it ended, or another process is writing now."""
    try:
        descriptor = os.open(layout.lock_file, os.O_RDONLY | _NO_INHERITANCE | _NO_WAITING)
    except FileNotFoundError:
        return None
    try:
        fields = _content(descriptor)
    finally:
        os.close(descriptor)
    if fields.get("ended_at", "") is not None or is_being_written(layout):  # older versions wrote no end
        return None
    name = str(fields.get("run_id"))
    return Unfinished(name if name in _COMMANDS else "run", str(fields.get("started_at")))


def is_being_written(layout: Layout) -> bool:
    """Return whether a process holds the writer's lock at this moment."""
    try:
        descriptor = os.open(layout.lock_file, os.O_RDONLY | _NO_INHERITANCE | _NO_WAITING)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def _locked(layout: Layout) -> int:
    """Return the descriptor of the open and locked lock file.

    It tries three times, because `is_being_written` of another process takes the lock for a moment. A lock on a file
    that was deleted or replaced meanwhile does not count: the next writer would lock the new file.
    """
    if os.path.lexists(layout.lock_file) and not layout.lock_file.is_file():
        set_aside(layout, layout.lock_file)  # nobody holds a directory, pipe or broken link as the lock
    holder = ""
    attempts = 0
    while attempts < _TRIES:
        descriptor = os.open(layout.lock_file, os.O_RDWR | os.O_CREAT | _NO_INHERITANCE, 0o600)
        try:
            is_ours = _try(layout, descriptor)
            if is_ours and same_file(descriptor, layout.lock_file):
                kept, descriptor = descriptor, -1
                return kept
            if not is_ours:
                attempts += 1
                holder = _holder(descriptor)
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        time.sleep(_BETWEEN_TRIES)
    raise LockedError(
        f"another process is writing to {layout.root}: {holder}. Wait for it, or name another directory with --data"
    )


def _try(layout: Layout, descriptor: int) -> bool:
    try:
        return try_lock(descriptor)
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        raise DataDirectoryError(
            f"the file system of {layout.root} has no locks ({error}), so two runs could damage one another's files. "
            f"Use a data directory on a local disk"
        ) from error


def _holder(descriptor: int) -> str:
    held = _content(descriptor)
    if not held.keys() >= {"pid", "run_id", "started_at"}:
        return "it has just started"
    name = held["run_id"]
    what = f"`extract {name}`" if name in _COMMANDS else f"run {name}"
    return f"pid {held['pid']}, {what}, since {held['started_at']}"


def _let_go() -> None:
    """Close the inherited lock in a forked child; the parent keeps it."""
    for descriptor in _held.values():
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
