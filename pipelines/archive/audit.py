"""The audit log: one line for each time that content left the archive, with user, time, action, destination and reason,
and without the content.

The file is append-only. Each line has the SHA-256 of the line before it, and audit.json has the number and the digest
of the last one: a line that was changed, taken out, or cut off at the end does not go unnoticed. The chain shows
accidental changes; a person who can write to the data directory can write a new chain.
"""

import getpass
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson

from models.errors import FixityError, LockedError
from models.json import JsonObject, JsonValue
from pipelines.disk.atomic import disk_errors, make_directories, read_regular, read_sealed, write_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.platform import full_fsync, make_files_private, try_lock

_FIRST: Final = "0" * 64
_WAIT_SECONDS: Final = 10.0
_LONGEST_TAIL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line: its number from 1, the time (ISO 8601, UTC), the user, the action (push, pull, export, publish, copy,
    api, mcp, …), the destination, the reason, the privacy level there, and counts. `previous` is the SHA-256 of the
    line before it.
    """

    number: int
    at: str
    who: str
    what: str
    where: str
    why: str | None
    level: str | None
    counts: Mapping[str, int] = field(default_factory=dict)
    previous: str = _FIRST

    def to_json(self) -> JsonObject:
        """Return the line as JSON values."""
        made: JsonObject = asdict(self)
        return made

    @classmethod
    def from_json(cls, value: JsonValue) -> "AuditEntry":
        """Return the line that `to_json` wrote. Raises TypeError for another value."""
        if not isinstance(value, dict):
            raise TypeError("a line of the audit log is an object")
        return cls(**value)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names


def note_access(
    layout: Layout,
    what: str,
    where: str,
    *,
    who: str | None = None,
    why: str | None = None,
    level: str | None = None,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Append a line to the audit log, flushed to the disk. `who` is the user of the system by default. None of the
    texts may have content of a session.

    Raises FixityError where the last line is damaged, LockedError where another process keeps the log locked,
    DataDirectoryError.
    """
    make_files_private()
    with disk_errors(), _appending(layout) as descriptor:
        number, previous = _last(layout, descriptor)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = AuditEntry(number + 1, at, who or _user(), what, where, why, level, dict(counts or {}), previous)
        line = orjson.dumps(entry.to_json())
        os.write(descriptor, line + b"\n")
        full_fsync(descriptor)
        fields = {"number": entry.number, "digest": sha256(line).hexdigest()}
        make_directories(layout.audit_head.parent)
        write_sealed(layout.audit_head, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "audit")


@contextmanager
def _appending(layout: Layout) -> Iterator[int]:
    """Open the log for appending, and hold its lock."""
    make_directories(layout.root)
    descriptor = os.open(layout.audit_file, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
    try:
        until = time.monotonic() + _WAIT_SECONDS
        while not try_lock(descriptor):
            if time.monotonic() > until:
                raise LockedError(f"another process keeps {layout.audit_file} locked: end it, and try again")
            time.sleep(0.01)
        yield descriptor
    finally:
        os.close(descriptor)


def _last(layout: Layout, descriptor: int) -> tuple[int, str]:
    """Return number and digest of the last line. A line that a crash cut off is taken out first."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return 0, _FIRST
    os.lseek(descriptor, max(0, size - _LONGEST_TAIL), os.SEEK_SET)
    tail = os.read(descriptor, _LONGEST_TAIL)
    if not tail.endswith(b"\n"):
        whole, _, _ = tail.rpartition(b"\n")
        os.ftruncate(descriptor, size - len(tail) + (len(whole) + 1 if whole else 0))
        tail = whole + b"\n" if whole else b""
        if not tail:
            return 0, _FIRST
    line = tail[:-1].rpartition(b"\n")[2]
    try:
        return AuditEntry.from_json(orjson.loads(line)).number, sha256(line).hexdigest()
    except (ValueError, TypeError) as error:
        raise FixityError(f"the last line of {layout.audit_file} is damaged; see `extract audit`") from error


def read_audit(layout: Layout) -> tuple[list[AuditEntry], list[str]]:
    """Return the lines of the audit log, oldest first, and its problems, a sentence for each. A log that was never
    begun has neither. Raises DataDirectoryError.
    """
    entries, problems = list[AuditEntry](), list[str]()
    number, digest = _head(layout, problems)
    with disk_errors():
        raw = read_regular(layout.audit_file) if layout.audit_file.exists() else b""
    previous = _FIRST
    for place, line in enumerate(raw.splitlines(), 1):
        try:
            entry = AuditEntry.from_json(orjson.loads(line))
        except (ValueError, TypeError):
            problems.append(f"line {place} cannot be read")
        else:
            if entry.number != len(entries) + 1 or entry.previous != previous:
                problems.append(f"line {place} does not follow the line before it: one was changed or taken out")
            entries.append(entry)
            if entry.number == number and sha256(line).hexdigest() != digest:
                problems.append(f"line {place} has other bytes than were written")
        previous = sha256(line).hexdigest()
    if len(entries) < number:
        problems.append(f"it has {len(entries)} lines, {number} were written")
    return entries, problems


def _head(layout: Layout, problems: list[str]) -> tuple[int, str]:
    try:
        held = orjson.loads(read_sealed(layout.audit_head))
        return int(held["number"]), str(held["digest"])
    except FileNotFoundError:
        if layout.audit_file.exists():
            problems.append(f"{layout.relative(layout.audit_head)} is gone, which has the number of its last line")
    except (FixityError, ValueError, KeyError, TypeError):
        problems.append(f"{layout.relative(layout.audit_head)} is damaged")
    return 0, ""


def _user() -> str:
    """Return the name of the system's user; the number where it has no name."""
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
