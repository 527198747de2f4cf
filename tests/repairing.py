"""Damages every kind of file of an archive in every way, repairs it, and compares it with the undamaged one."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from models.errors import ExitCode
from models.finding import Finding, Severity
from models.observer import Observer
from models.run import RunRecord
from pipelines.archive.archive import read_all_runs
from pipelines.disk.atomic import sha256_of
from pipelines.repair.repair import Repair, repair
from pipelines.restore.restore import RestoreRequest, restore
from pipelines.verify.verify import check
from tests.archives import HOME, Archive, make_archive, run
from tests.command_line import call
from tests.logical_checksum import logical_checksums

_RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_NOT_OURS = ("cache/", "prefect/", "quarantine/", "staging/", "settings.toml", "writer.lock")
"""Paths that any run makes anew, or that belong to the user."""


def _over(path: Path, data: bytes) -> None:
    """Write other bytes into a new file at this path: a copied archive shares its warehouses with the original."""
    path.unlink()
    path.write_bytes(data)
    path.chmod(0o600)


def _flip(path: Path, _: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    _over(path, bytes(data))


def _zero(path: Path, _: Path) -> None:
    data = path.read_bytes()
    start = min(len(data) // 3, max(0, len(data) - 512))
    _over(path, data[:start] + bytes(len(data[start : start + 512])) + data[start + 512 :])


def _swap(path: Path, _: Path) -> None:
    """Exchange a file with the next one of its kind."""
    others = sorted(one for one in path.parents[1].rglob(f"*{path.suffix}") if one != path and one.is_file())
    others = [one for one in others if not one.is_symlink() and one.read_bytes() != path.read_bytes()]
    if others:
        mine, theirs = path.read_bytes(), others[0].read_bytes()
        _over(path, theirs)
        _over(others[0], mine)


def _older(path: Path, older: Path) -> None:
    if older.is_file() and older.read_bytes() != path.read_bytes():
        _over(path, older.read_bytes())


WAYS = {
    "flip": _flip,
    "truncate": lambda path, _: _over(path, path.read_bytes()[:-7]),
    "empty": lambda path, _: _over(path, b""),
    "delete": lambda path, _: path.unlink(),
    "zero": _zero,
    "swap": _swap,
    "older": _older,
}
"""The ways to damage a file, by name: each takes it and the same file of the archive one run earlier."""


@dataclass(frozen=True, slots=True)
class Undamaged:
    """An archive of three runs, and its state after the second."""

    archive: Archive
    older: Path
    sums: Mapping[str, tuple[int, int]]

    def files(self) -> list[str]:
        """Return the files that are damaged: each that belongs to the archive, sorted."""
        root = self.archive.layout.root
        files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        names = (path.relative_to(root).as_posix() for path in files)
        return sorted(name for name in names if not name.startswith(_NOT_OURS))

    def kinds(self) -> dict[str, list[str]]:
        """Return the files by their kind: a path without its run, phase and digest."""
        found: dict[str, list[str]] = {}
        for name in self.files():
            kind = re.sub(r"phase-[0-9-]+", "phase", _RUN.sub("RUN", name))
            found.setdefault(re.sub(r"[0-9a-f]{64}", "DIGEST", kind), []).append(name)
        return found

    def damaged(self, place: Path, name: str, way: str) -> Archive | None:
        """Return a copy of the archive with one file damaged; None where this way changes nothing of it."""
        copy = self.archive.copy(place)
        path = copy.fresh(copy.layout.root / name)
        before = _contents(copy.layout.root)
        WAYS[way](path, self.older / name)
        return copy if _contents(copy.layout.root) != before else None


def make_undamaged(place: Path) -> Undamaged:
    """Make the archive: files are new, grow, are rewritten and vanish, and one run finds nothing new."""
    archive = make_archive(place / "whole")
    older = place / "older"
    shutil.copytree(archive.layout.root, older, symlinks=True)
    with (archive.home / "history.jsonl").open("ab") as file:
        file.write(b"\n")
    (archive.home / "later.md").write_bytes(b"# later, and more\n")
    run(archive.layout, archive.home)
    return Undamaged(archive, older, sums_of(archive))


def sums_of(archive: Archive) -> Mapping[str, tuple[int, int]]:
    """Return the logical checksums of the published warehouse."""
    with duckdb.connect(str(archive.layout.warehouse.resolve()), read_only=True) as connection:
        return logical_checksums(connection)


def errors_in(findings: list[Finding]) -> list[str]:
    """Return the codes and addresses of errors and warnings."""
    return [f"{one.code} {one.address}" for one in findings if one.severity is not Severity.INFORMATION]


def mended(archive: Archive, *copies: Path, home: Path | None = None) -> Repair:
    """Repair an archive from copies and its home."""
    return repair(archive.layout, copies, {HOME: home if home is not None else archive.home}, Observer())


def restored(archive: Archive, place: Path) -> dict[str, bytes]:
    """Return the files that a restore of everything writes, deleted ones included."""
    result = restore(archive.layout, RestoreRequest(place, expired=True))
    assert result.exit_code == ExitCode.VERIFIED, result.findings
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def _as_compared(run: RunRecord) -> RunRecord:
    """Return a commit record without the fields that change when it is written again."""
    return replace(run, warehouse=None, revision=0)


def is_as(archive: Archive, whole: Undamaged, place: Path, *, deep: bool = False) -> list[str]:
    """Return how a repaired archive differs from the undamaged one: in its commit records, its parts, its tables, or
    with `deep` in its restored files.
    """
    mine, theirs = read_all_runs(archive.layout), read_all_runs(whole.archive.layout)
    problems = []
    if list(map(_as_compared, mine)) != list(map(_as_compared, theirs)):
        problems.append("the commit records differ")
    parts = {part.path for one in theirs for phase in one.phases for part in phase.parts}
    problems += [
        name
        for name in sorted(parts)
        if sha256_of(archive.layout.root / name) != sha256_of(whole.archive.layout.root / name)
    ]
    if sums_of(archive) != whole.sums:
        problems.append("the tables differ")
    if deep and restored(archive, place / "mine") != restored(whole.archive, place / "whole"):
        problems.append("the restored files differ")
    return problems


def lost_in_the_home(archive: Archive, place: Path) -> list[str]:
    """Return the files that the home has and the archive does not give back, byte for byte."""
    given = restored(archive, place)
    kept = ("history.jsonl", "later.md", "notes.md", "debug/3fd192e1-4608-4d4e-a084-ebefc26337f3.txt")
    return [name for name in kept if given.get(name) != (archive.home / name).read_bytes()]


def run_goes_on(archive: Archive) -> list[str]:
    """Return the failures of a run over a damaged archive without a repair: new data is archived, the exit code is 3 or
    the damage was mended in passing, and a damaged archive is never called verified.
    """
    (archive.home / "new.md").write_bytes(b"# new\n")
    ran = call("run", "--home", f"{HOME}={archive.home}", "--data", archive.layout.root, "--phase", "8")
    problems = []
    if ran.code not in (ExitCode.FIXITY, ExitCode.REJECTS, ExitCode.VERIFIED):
        problems.append(f"it ended with {ran.code}: {ran.err[-300:]}")
    if ran.code == ExitCode.FIXITY and re.search(r"(?<!not )\bverified", ran.out, re.IGNORECASE):
        problems.append("it called a damaged archive verified")
    if ran.code != ExitCode.FIXITY and errors_in(check(archive.layout)):
        problems.append(f"it ended with {ran.code}, and left {errors_in(check(archive.layout))[:3]}")
    shown = call("restore", "--to", archive.home.parent / "new", "--file", "new.md", "--data", archive.layout.root)
    if shown.code not in (0, 3) or (archive.home.parent / "new/new.md").read_bytes() != b"# new\n":
        problems.append("what was new is not given back")
    return problems


def _contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def cases(whole: Undamaged) -> Iterator[tuple[str, str]]:
    """Yield one file of each kind and each way to damage it, and both warehouses. An older warehouse may be deleted at
    any time, by a reader of its rows or a run: that is no damage.
    """
    for kind, names in whole.kinds().items():
        for name in {names[0], names[-1]} if kind.startswith("warehouse/") else names[:1]:
            for way in WAYS:
                if way != "delete" or not kind.startswith("warehouse/") or name == names[-1]:
                    yield name, way
