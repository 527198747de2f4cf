"""The second copies of what is small and critical: commit records, manifests, homes.json, tombstones.json, head.json.

A copy stands below copies/ at the path that its original has below the data directory. The original counts; the copy is
used where that is gone or is not what was written, and the next run puts the original back from it.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from models.errors import FixityError
from models.run import PartRecord, RunRecord
from models.tables import MANIFEST
from pipelines.disk.atomic import (
    make_directories,
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
    """Return what `write_both` was given: of the original, else of the copy. Raises what reading the original raises,
    FileNotFoundError or FixityError, when neither can be used.
    """
    try:
        return read_sealed(path)
    except (FixityError, OSError) as error:
        try:
            return read_sealed(layout.copy_of(path))
        except (FixityError, OSError):
            raise error from None


def copy_part(layout: Layout, part: PartRecord) -> bool:
    """Make the second copy of a part that is in its place; returns whether it was made: not of a damaged part."""
    return _copied(layout.root / part.path, layout.copy_of(layout.root / part.path), part.sha256)


def whole_copy(layout: Layout, part: PartRecord) -> Path | None:
    """Return where the second copy of a part stands, if there is one that is what was committed."""
    if not _is_placed(part):
        return None
    copy = layout.copy_of(layout.root / part.path)
    try:
        return copy if sha256_of(copy) == part.sha256 else None
    except OSError:
        return None


def put_back(layout: Layout, part: PartRecord) -> bool:
    """Put a damaged part back from its second copy; returns whether there is a whole one."""
    original = layout.root / part.path
    if original.is_dir() and not original.is_symlink():
        return False
    return _copied(layout.copy_of(original), original, part.sha256)


def _copied(source: Path, target: Path, sha256: str) -> bool:
    """Write a copy under a temporary name, look at its digest, and move it where it belongs."""
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
    """Yield the parts of which there are second copies."""
    for run in runs:
        for phase in run.phases:
            yield from (part for part in phase.parts if part.table == MANIFEST.name and _is_placed(part))


def _is_placed(part: PartRecord) -> bool:
    """Whether a part lies where the layout puts manifests: what a record says may lead nowhere else."""
    names = part.path.split("/")
    return len(names) == 5 and names[:2] == ["tables", MANIFEST.name] and ".." not in names


def renew_copies(layout: Layout, runs: Sequence[RunRecord], *, keep_others: bool = False) -> None:
    """Let there be a copy of each original, and of nothing else unless `keep_others`. `runs` are all that have a commit
    record. A copy that is as new and as large as its original is taken for what it was. Only the writer may call this.
    """
    sealed = [layout.commit_record(run.run_id) for run in runs]
    sealed += [path for path in (layout.homes_file, layout.tombstones_file, layout.head_file) if path.exists()]
    wanted = {layout.copy_of(path) for path in sealed}
    for path in sealed:
        if not _is_as_new(path, layout.copy_of(path)):
            sync_directories(make_directories(layout.copy_of(path).parent))
            read_sealed(path)
            write_atomically(layout.copy_of(path), path.read_bytes(), "renew-copy")
    for part in manifests_of(runs):
        copy = layout.copy_of(layout.root / part.path)
        wanted.add(copy)
        if not copy.is_file() or copy.stat().st_size != part.size:
            copy_part(layout, part)
    if not keep_others:
        _remove_others(layout, wanted)


def _is_as_new(original: Path, copy: Path) -> bool:
    try:
        of_copy, of_original = copy.stat(), original.stat()
    except FileNotFoundError:
        return False
    return of_copy.st_size == of_original.st_size and of_copy.st_mtime_ns >= of_original.st_mtime_ns


def _remove_others(layout: Layout, wanted: set[Path]) -> None:
    """Remove copies that have no original, and directories that are empty then, and have that on the disk."""
    if not layout.copies.is_dir():
        return
    changed = set()
    for path in sorted(layout.copies.rglob("*"), reverse=True):
        if path.is_symlink() or not path.is_dir():
            if path not in wanted:
                path.unlink()
                changed.add(path.parent)
        elif not any(path.iterdir()):
            path.rmdir()
            changed.discard(path)
            changed.add(path.parent)
    sync_directories(changed)
