"""evidence.json: the SHA-256 of each file that no commit record lists: reports, findings, records of drills, imported
stores. Without it such a file could vanish, or be replaced by an older version, and nothing would notice.

The list names the digests that files get before they are written, and after that as theirs: where a process is killed
in between, a file may have either.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson

from models.errors import FixityError
from models.json import JsonObject
from models.run import DamageRecord, PartRecord, RunRecord
from models.seal import sealed
from pipelines.archive.archive import HAS_LIST
from pipelines.archive.copies import read_either, write_both
from pipelines.archive.damage import CHANGED, OTHER_BYTES, days_since_run, due_parts
from pipelines.disk.atomic import disk_errors, read_sealed, sha256_if_readable, write_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.platform import try_lock

FORMAT: Final = 1
_PATIENCE: Final = 10.0
"""Seconds to wait for another process that changes the list, which takes it milliseconds."""
_GOING: Final = ""
"""Stands in `writing` for the digest of a file that is being deleted."""
_GONE_IN: Final = ("removed", "lost")
_KILLED: Final = 1
"""A process that is killed between the list and its second copy leaves them this many revisions apart."""
_SMALL: Final = 4 << 20
"""Every run digests at least this many bytes of evidence, if there are so many."""


@dataclass(slots=True)
class EvidenceList:
    """The SHA-256 of each file by its path below the data directory; `writing` are those that files were about to get
    when the list was last written. Each writing of the list counts up its revision.
    """

    files: dict[str, str] = field(default_factory=dict)
    writing: dict[str, str] = field(default_factory=dict)
    revision: int = 0

    def allows(self, path: str, digest: str | None) -> bool:
        """Whether a file may have this digest, or with None may be missing."""
        return (digest or _GOING) in (self.files.get(path, _GOING), self.writing.get(path))

    def to_bytes(self) -> bytes:
        """Return the list as JSON."""
        fields: JsonObject = {
            "format": FORMAT,
            "revision": self.revision,
            "files": dict(sorted(self.files.items())),
            "writing": dict(self.writing),
        }
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2)


def evidence_files(layout: Layout, run_id: str) -> list[Path]:
    """Return the files beside a commit record that the list has, whether they exist or not."""
    return [*layout.reports(run_id), layout.findings(run_id), *layout.drill_records(run_id)]


def read_evidence(layout: Layout) -> EvidenceList | None:
    """Return the list, from its second copy where it is missing, damaged or older; None where an older version of the
    program wrote the archive. Raises FixityError where both are damaged.
    """
    held, errors = [], []
    for path in (layout.evidence_file, layout.copy_of(layout.evidence_file)):
        try:
            held.append(_understood(read_sealed(path)))
        except (FixityError, OSError) as error:
            errors.append(error)
    if held:
        return max(held, key=lambda one: one.revision)
    broken = next((error for error in errors if not isinstance(error, FileNotFoundError)), None)
    if broken is not None:
        raise FixityError(str(broken)) from broken
    return None


def _understood(raw: bytes) -> EvidenceList:
    """Return the list in the bytes of evidence.json. Raises FixityError for other content."""
    try:
        held = orjson.loads(raw)
        return EvidenceList(dict(held["files"]), dict(held["writing"]), int(held.get("revision", 0)))
    except (ValueError, KeyError, TypeError) as error:
        raise FixityError(f"evidence.json has unknown content ({error}); see `extract verify`") from error


def list_problem(layout: Layout) -> str | None:
    """Return the problem of evidence.json itself, worded to follow its name in a sentence; None if it has none."""
    try:
        own = _understood(read_sealed(layout.evidence_file))
        if _revision_of_copy(layout) > own.revision + _KILLED:
            return "is an older version of itself"
    except FileNotFoundError:
        return "is gone" if layout.copy_of(layout.evidence_file).exists() or _is_promised(layout) else None
    except (FixityError, OSError):
        return CHANGED
    return None


def is_copy_older(layout: Layout) -> bool:
    """Whether the second copy of evidence.json is older than a killed process can have left it."""
    try:
        return 0 < _revision_of_copy(layout) < _understood(read_sealed(layout.evidence_file)).revision - _KILLED
    except (FixityError, OSError):
        return False


def _revision_of_copy(layout: Layout) -> int:
    """Return the revision of the second copy, 0 where it is missing or damaged."""
    try:
        return _understood(read_sealed(layout.copy_of(layout.evidence_file))).revision
    except (FixityError, OSError):
        return 0


def _is_promised(layout: Layout) -> bool:
    """Whether head.json says that the archive has a list."""
    try:
        return bool(orjson.loads(read_either(layout, layout.head_file)).get(HAS_LIST))
    except (FixityError, OSError, ValueError, AttributeError):
        return False


def write_evidence(layout: Layout, files: Mapping[Path, bytes], point: str) -> None:
    """Write files with a seal each (`write_sealed`), and list them. `point` is the prefix of the fail points. Raises
    DataDirectoryError, DiskFullError.
    """
    digests = {path: sha256(sealed(data, path.suffix)).hexdigest() for path, data in files.items()}
    with disk_errors(), listing(layout, digests):
        for path, data in files.items():
            write_sealed(path, data, point)


@contextmanager
def listing(layout: Layout, digests: Mapping[Path, str | None]) -> Iterator[None]:
    """List files with the SHA-256 that the block gives them; None: the block deletes the file. Raises OSError."""
    named = {layout.relative(path): digest or _GOING for path, digest in digests.items()}
    with _alone(layout):
        known = _known(layout)
        known.writing |= named
        _write(layout, known, "evidence-before")
        yield
        known = _known(layout)
        _settle(known, named)
        _write(layout, known, "evidence")


def _write(layout: Layout, known: EvidenceList, point: str) -> None:
    known.revision += 1
    write_both(layout, layout.evidence_file, known.to_bytes(), point)


def list_again(layout: Layout, paths: Sequence[Path]) -> None:
    """List files with their present digests, and drop the deleted ones from the list. Raises OSError."""
    with _alone(layout):
        known = _known(layout)
        _settle(known, {layout.relative(path): sha256_if_readable(path) or _GOING for path in paths})
        _write(layout, known, "evidence")


def _settle(known: EvidenceList, named: Mapping[str, str]) -> None:
    for path, digest in named.items():
        known.writing.pop(path, None)
        if digest == _GOING:
            known.files.pop(path, None)
        else:
            known.files[path] = digest


def _known(layout: Layout) -> EvidenceList:
    """Return the list; if it is lost or was never made, a new one of the existing files."""
    try:
        known = read_evidence(layout)
    except FixityError:
        known = None
    if known is None:
        paths = [path for record in layout.commit_records() for path in evidence_files(layout, record.parent.name)]
        found = {path: sha256_if_readable(path) for path in (*paths, *layout.imported_parts())}
        known = EvidenceList({layout.relative(path): digest for path, digest in found.items() if digest is not None})
    return known


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Keep other processes from changing the list during the block: `extract verify` writes beside a run, without its
    lock. If another process holds the list for 10 seconds, the block runs nevertheless.
    """
    try:
        descriptor = os.open(layout.archive_file, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        yield
        return
    try:
        until = time.monotonic() + _PATIENCE
        while not try_lock(descriptor) and time.monotonic() < until:
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def lost_evidence(
    layout: Layout, known: EvidenceList, runs: Sequence[RunRecord], due: Sequence[str] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield path and problem of each listed file that is gone or another one. The digests of those in `due` are
    compared, of all without it. Files of runs that gc deleted, or that are lost, are skipped.
    """
    kept = {run.run_id for run in runs if run.status not in _GONE_IN}
    chosen = None if due is None else frozenset(due)
    root = os.fspath(layout.root)
    for path in sorted(known.files):
        base, run_id = path.split("/")[:2]
        if base == "runs" and run_id not in kept:
            continue
        if not os.path.lexists(f"{root}/{path}"):
            if not known.allows(path, None):
                yield path, "is gone"
        elif (chosen is None or path in chosen) and not known.allows(path, sha256_if_readable(layout.root / path)):
            yield path, OTHER_BYTES


def look_at_evidence(layout: Layout, runs: Sequence[RunRecord], now: datetime | None = None) -> list[DamageRecord]:
    """Return the listed files and the lists for `sha256sum` of `runs` that are gone or changed. All are looked for;
    digested are those of the newest run, those whose turn it is (each within four weeks), and others until 4 MiB are
    read. `now` is in UTC; without it, all are digested. The caller must hold the writer lock.
    """
    deleted = {run.run_id for run in runs if run.status in _GONE_IN}
    if going := [layout.root / path for path in _known(layout).files if _run_of(path) in deleted]:
        list_again(layout, going)
    known = _known(layout)
    newest = f"runs/{runs[-1].run_id}/" if runs else "-"
    texts = {text.path: text for run in runs if run.status not in _GONE_IN for text in run.texts}
    digests = {path: digest for path, digest in known.files.items() if not path.startswith("store/")}
    digests |= {path: text.sha256 for path, text in texts.items()}
    due = _in_turn(layout, digests, newest, days_since_run(runs, now), now) if now is not None else digests.keys()
    found = list(lost_evidence(layout, known, runs, [path for path in due if path not in texts]))
    for path, text in texts.items():
        full = layout.root / path
        if not full.is_file() or full.stat().st_size != text.size:
            found.append((path, "is gone or has another size"))
        elif path in due and sha256_if_readable(full) != text.sha256:
            found.append((path, OTHER_BYTES))
    return [DamageRecord(path, "", _run_of(path), problem) for path, problem in found]


def _in_turn(layout: Layout, digests: Mapping[str, str], newest: str, days: int, now: datetime) -> set[str]:
    """Return the files of the directory `newest`, those whose turn has come in the last `days`, and others until
    `_SMALL` bytes are chosen.
    """
    root = os.fspath(layout.root)
    files = [PartRecord(path, "", 0, _size(f"{root}/{path}"), digest) for path, digest in digests.items()]
    due = {one.path for one in due_parts(files, now.date(), days, at_least=_SMALL)}
    return due | {path for path in digests if path.startswith(newest)}


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def mend_list(layout: Layout) -> list[DamageRecord]:
    """If the list is missing or damaged, make it again and return that damage; settle the entries of files that a
    killed process was writing. The caller must hold the writer lock.
    """
    path = layout.evidence_file
    problem = list_problem(layout)
    if problem is None and path.exists():
        if stopped := _known(layout).writing:
            list_again(layout, [layout.root / name for name in stopped])
        return []
    known = _known(layout)
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    _write(layout, known, "evidence")
    again = f"{problem}, and was made again"
    return [] if problem is None else [DamageRecord(layout.relative(path), "", "", again, mended=True)]


def _run_of(path: str) -> str:
    return path.split("/")[1] if path.startswith("runs/") else ""
