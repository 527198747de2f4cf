"""Second copies of small critical files: commit records, manifests, homes.json, tombstones.json, head.json,
evidence.json, and of the user's settings.toml.

The copy of a file is at the same path below copies/. It is used only if the original is missing or damaged; the next
run then restores the original from it.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from models.errors import FixityError
from models.run import MANIFEST_TABLE, PartRecord, RunRecord
from pipelines.disk.atomic import (
    make_directories,
    read_regular,
    read_sealed,
    sha256_of,
    sync_directories,
    sync_file,
    write_atomically,
    write_sealed,
)
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.platform import replace


def write_both(layout: Layout, path: Path, data: bytes, point: str) -> None:
    """Write a sealed file (`write_sealed`), then its second copy. Raises OSError."""
    write_sealed(path, data, point)
    copy = layout.copy_of(path)
    sync_directories(make_directories(copy.parent))
    write_sealed(copy, data, f"{point}-copy")


def read_either(layout: Layout, path: Path) -> bytes:
    """Return the data that `write_both` wrote, from the original or else from the copy. Raises the error of reading the
    original (FileNotFoundError or FixityError) if both are missing or damaged.
    """
    try:
        return read_sealed(path)
    except (FixityError, OSError) as error:
        try:
            return read_sealed(layout.copy_of(path))
        except (FixityError, OSError):
            raise error from None


def copy_part(layout: Layout, part: PartRecord) -> bool:
    """Write the second copy of a committed Parquet file; returns False, without a copy, if the file is damaged."""
    return _copied(layout.root / part.path, layout.copy_of(layout.root / part.path), part.sha256)


def whole_copy(layout: Layout, part: PartRecord) -> Path | None:
    """Return the path of a Parquet file's second copy if it exists and is undamaged, else None."""
    if not _is_placed(part):
        return None
    copy = layout.copy_of(layout.root / part.path)
    try:
        return copy if sha256_of(copy) == part.sha256 else None
    except OSError:
        return None


def put_back(layout: Layout, part: PartRecord) -> bool:
    """Restore a damaged Parquet file from its second copy; returns whether there is an undamaged copy."""
    original = layout.root / part.path
    if original.is_dir() and not original.is_symlink():
        return False
    return _copied(layout.copy_of(original), original, part.sha256)


def _copied(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file under a temporary name, check the digest, and rename it; returns whether the digest was right."""
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        changed = make_directories(target.parent)
        temporary.unlink(missing_ok=True)
        shutil.copyfile(source, temporary)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    temporary.chmod(0o600)
    if sha256_of(temporary) != sha256:
        temporary.unlink()
        return False
    sync_file(temporary)
    reach("copy:before-rename")
    replace(temporary, target)
    sync_directories({*changed, target.parent})
    return True


def manifests_of(runs: Iterable[RunRecord]) -> Iterator[PartRecord]:
    """Yield the Parquet files that have second copies: the manifests."""
    for run in runs:
        for phase in run.phases:
            yield from (part for part in phase.parts if part.table == MANIFEST_TABLE and _is_placed(part))


def _is_placed(part: PartRecord) -> bool:
    """Whether the path of a Parquet file is in the directory for manifests: a damaged record must not lead
    elsewhere.
    """
    names = part.path.split("/")
    return len(names) == 5 and names[:2] == ["tables", MANIFEST_TABLE] and ".." not in names


def listings(layout: Layout) -> tuple[Path, ...]:
    """Return the sealed files of the data directory itself that have second copies, whether they exist or not."""
    return layout.homes_file, layout.tombstones_file, layout.head_file, layout.evidence_file


def renew_copies(
    layout: Layout, runs: Sequence[RunRecord], *, keep_others: bool = False, is_compared: bool = False
) -> None:
    """Write missing copies, and unless `keep_others` delete copies without an original. `runs` are all runs with a
    commit record. A copy with the size of its original that is not older counts as up to date; with `is_compared`, the
    copies of the few sealed files that are no records are compared with their originals instead. The caller must hold
    the writer lock.
    """
    # Plain strings, and one pass over copies/: every run does this, with a manifest for each phase of each earlier run.
    found, directories = _existing(layout)
    listed = [path for path in listings(layout) if path.exists()]
    sealed = [*(layout.commit_record(run.run_id) for run in runs), *listed]
    names = {layout.relative(path): path for path in sealed}
    for name, path in names.items():
        if not _is_as_new(path, found.get(name)) or (
            is_compared and path in listed and not _is_same(path, layout.copy_of(path))
        ):
            sync_directories(make_directories(layout.copy_of(path).parent))
            read_sealed(path)
            write_atomically(layout.copy_of(path), read_regular(path), "renew-copy")
    manifests = {part.path: part for part in manifests_of(runs)}
    for name, part in manifests.items():
        status = found.get(name)
        if status is None or not S_ISREG(status.st_mode) or status.st_size != part.size:
            copy_part(layout, part)
    if not keep_others:
        of_destinations = f"{layout.relative(layout.destinations)}/"
        known = {*names, *manifests, layout.relative(layout.settings_file)}
        others = [name for name in found if name not in known]
        _remove_others(layout, [name for name in others if not name.startswith(of_destinations)], directories)


def _existing(layout: Layout) -> tuple[dict[str, os.stat_result], list[str]]:
    """Return the status of each file below copies/ by its name, and the directories there, parents first."""
    files: dict[str, os.stat_result] = {}
    directories, unread = list[str](), [""]
    while unread:
        directory = unread.pop()
        try:
            with os.scandir(layout.copies / directory) as entries:
                listed = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in listed:
            name = f"{directory}/{entry.name}" if directory else entry.name
            if entry.is_dir(follow_symlinks=False):
                directories.append(name)
                unread.append(name)
            else:
                files[name] = entry.stat(follow_symlinks=False)
    return files, directories


def _is_as_new(original: Path, copy: os.stat_result | None) -> bool:
    if copy is None:
        return False
    try:
        status = original.stat()
    except FileNotFoundError:
        return False
    return copy.st_size == status.st_size and copy.st_mtime_ns >= status.st_mtime_ns


def _is_same(original: Path, copy: Path) -> bool:
    try:
        return read_regular(original) == read_regular(copy)
    except OSError:
        return False


def _remove_others(layout: Layout, names: Sequence[str], directories: Sequence[str]) -> None:
    """Delete copies without an original and directories that are empty then, and flush the changes to disk."""
    changed = set()
    for name in names:
        (layout.copies / name).unlink()
        changed.add((layout.copies / name).parent)
    for name in reversed(directories):
        path = layout.copies / name
        with suppress(OSError):
            path.rmdir()
            changed.discard(path)
            changed.add(path.parent)
    sync_directories(changed)
