"""Opens a copy as an archive, to read from it alone: a temporary data directory with links to the Parquet files of the
copy (or with the files themselves, where it is no directory) and with copies of its records. Nothing is ever written to
the copy itself. The system's variable TMPDIR says where the temporary directory is.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from models.errors import ConfigurationError, DiskFullError, FixityError
from models.run import PartRecord
from models.tables import EXTRACTIONS, IMPORTED, MANIFEST, PIECES, STORE
from models.text import printable_path
from pipelines.archive.archive import effective, read_records
from pipelines.copies.destination import Destination, UnreadableThere, place_errors, read_there
from pipelines.copies.places import is_url, open_place, place_of
from pipelines.copies.state import IMPORT, RECORD, CopyState, listed_files, read_state
from pipelines.disk.atomic import disk_errors, make_directories
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private
from pipelines.disk.remove_tree import remove_tree
from pipelines.warehouse.publish import make_warehouse

Needed = Callable[[str], bool]
"""Whether the Parquet files of a table are needed."""
Bring = Callable[[PartRecord], None]
"""Brings a Parquet file of a copy here. Raises DataDirectoryError, DiskFullError."""


def is_needed(table: str) -> bool:
    """Need all tables."""
    return True


def is_for_sql(table: str) -> bool:
    """Need the tables of a warehouse: all but the bytes of files."""
    return table != STORE.name


def is_for_drill(table: str) -> bool:
    """Need the tables of a restore of everything: the bytes of files, and their recipes, readings and manifests."""
    return table == STORE.name or is_for_restore(table)


def is_for_restore(table: str) -> bool:
    """Need recipes, readings and manifests; the bytes of files are brought when they are read."""
    return table in (MANIFEST.name, EXTRACTIONS.name, PIECES.name)


@contextmanager
def opened_copy(given: str, key_file: Path | None = None, needed: Needed = is_needed) -> Iterator[Layout]:
    """Yield the layout alone of what `opened_on_demand` yields, and raise as it does."""
    with opened_on_demand(given, key_file, needed) as (layout, _):
        yield layout


@contextmanager
def opened_on_demand(
    given: str, key_file: Path | None = None, needed: Needed = is_needed
) -> Iterator[tuple[Layout, Bring]]:
    """Yield the layout of a temporary data directory with the files of a copy, deleted at the end, and a function that
    brings one more Parquet file. The directory has no warehouse. Of a copy that must be downloaded (from an object
    store) or decrypted, it has only the Parquet files of the `needed` tables.

    Raises ConfigurationError where the place has no copy, FixityError where the copy would lead elsewhere,
    DataDirectoryError where it cannot be reached, DiskFullError where there is no room for the downloaded files.
    """
    make_files_private()
    place = place_of(given)
    destination = open_place(place, None if key_file is None else str(key_file.expanduser()))
    with disk_errors():
        work = Path(tempfile.mkdtemp(prefix="extract-copy-"))
    try:
        layout = Layout(work / "data")
        with place_errors(place):
            state = read_state(destination, layout)
            if layout.copy_head.name not in state.entries:
                is_encrypted = f"{layout.copy_head.name}.age" in state.entries
                hint = ": it is encrypted, name its key file with --key" if is_encrypted else " of an archive"
                raise ConfigurationError(f"{place} cannot be read as a copy{hint}")
            if key_file is not None and state.broken and not state.records:
                raise ConfigurationError(f"{place} cannot be read with the key file {key_file}: it has another key")
            _refuse_what_leads_elsewhere(state, place)
            is_brought = is_url(place) or key_file is not None
            _bring(destination, state, layout, has_store=is_brought)
            if is_brought:
                _fetch(destination, state, layout, needed)
            else:
                _link(Path(place), layout)
        with disk_errors():
            layout.prepare()

        def bring(part: PartRecord) -> None:
            target = layout.root / part.path
            if is_brought and part.path in state.entries and not target.exists():
                _refuse_without_room(layout, place, part.size)
                with place_errors(place):
                    _fetch_one(destination, part.path, target, part.sha256)

        yield layout, bring
    finally:
        _remove(work)


def make_warehouse_of_copy(layout: Layout) -> Sequence[str]:
    """Build the warehouse of an opened copy; return the paths of damaged files, which are left out. Raises
    ConfigurationError where the copy has no run, LoadError.
    """
    everything, damage = read_records(layout)
    runs = effective(everything)
    if not runs:
        raise ConfigurationError("the copy has no run: it was never synced")
    published = make_warehouse(layout, runs, keep=0, is_anew=True)
    return [*(one.path for one in damage if not one.mended), *published.left_out]


def _refuse_what_leads_elsewhere(state: CopyState, place: str) -> None:
    """Raise FixityError where a record or an entry of the copy would have something read that is not of the copy."""
    for run in (*state.runs, *state.instead.values()):
        listed = {part.path for part in listed_files(run)}
        for path in (part.path for phase in run.phases for part in phase.parts):
            if path not in listed:
                raise FixityError(f"a record of the copy {place} names {path}, which is not of that run: do not use it")
    for path, entry in state.entries.items():
        if not entry.is_file and path.split("/")[0] in ("store", "tables", "runs"):
            shown = printable_path(os.fsencode(path))
            raise FixityError(f"{shown} in the copy {place} is a {entry.kind}, not a file: delete it before you use it")


def _bring(destination: Destination, state: CopyState, layout: Layout, *, has_store: bool) -> None:
    """Bring the small files that a reader needs; one that is damaged there is left out. Without `has_store` the store
    is going to be a link, which has its own.
    """
    names = (
        layout.archive_file,
        layout.archive_copy,
        layout.homes_file,
        layout.settings_file,
        layout.tombstones_file,
        layout.head_file,
        layout.forget_file,
    )
    paths = [layout.relative(path) for path in names if has_store or path != layout.archive_copy]
    for path in (*paths, *filter(RECORD.fullmatch, state.entries)):
        if path in state.entries and state.entries[path].is_file:
            target = layout.root / path
            make_directories(target.parent)
            with suppress(UnreadableThere):
                target.write_bytes(read_there(destination, path))


def _fetch(destination: Destination, state: CopyState, layout: Layout, needed: Needed) -> None:
    """Bring the Parquet files of a copy that is no directory; those that are damaged there are left out."""
    parts = [part for run in state.runs_in_force for part in listed_files(run) if needed(part.table)]
    wanted = {part.path: part.sha256 for part in parts}
    if needed(IMPORTED.name):
        wanted |= {path: match["sha256"] for path in state.entries if (match := IMPORT.fullmatch(path))}
    _refuse_without_room(layout, destination.place, sum(part.size for part in parts))
    for path, expected in wanted.items():
        if path in state.entries:
            _fetch_one(destination, path, layout.root / path, expected)


def _fetch_one(destination: Destination, path: str, target: Path, expected: str) -> None:
    """Bring a file with this SHA-256; leave it out where it has another one there."""
    make_directories(target.parent)
    digest = sha256()
    with target.open("wb") as file, suppress(UnreadableThere):
        for block in destination.blocks(path):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != expected:
        target.unlink()


def _refuse_without_room(layout: Layout, place: str, size: int) -> None:
    """Raise DiskFullError before anything is downloaded that has no room."""
    free = shutil.disk_usage(layout.root).free
    if size > free:
        raise DiskFullError(
            f"to read the copy {place}, {size:,} bytes must be brought to {layout.root.parent}, which has room for "
            f"{free:,}: name a larger disk with the variable TMPDIR"
        )


def _link(place: Path, layout: Layout) -> None:
    """Make links to the Parquet files of a copy that is a directory."""
    for base in (layout.store, layout.tables):
        source = place / base.name
        if source.is_dir() and not source.is_symlink():
            try:
                base.symlink_to(source, target_is_directory=True)
            except (OSError, NotImplementedError):  # Windows without the right to make links
                shutil.copytree(source, base)


def _remove(work: Path) -> None:
    """Delete the temporary directory; a restored directory in it may be read-only."""
    with suppress(OSError):
        remove_tree(work)
