"""The indexes of digests known from earlier runs: made of what is kept, kept beside it, made again when they are
missing or stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import pyarrow.parquet as pq

from models.run import RunRecord
from models.tables import MESSAGES, STORE
from pipelines.archive import committed_parts
from pipelines.imports import imported_files, verified_imports
from pipelines.layout import Layout
from pipelines.seen import WIDTH, SharedSet, write_known

_EXPECTED_BYTES_PER_MESSAGE = 256
_EXPECTED_BYTES_PER_PIECE = 16 << 10


@dataclass(frozen=True, slots=True)
class KnownIndexes:
    """Paths of the index files of earlier runs and of the tables shared by the workers of this one."""

    pieces: Path
    messages: Path
    imported: Path
    shared_pieces: Path
    shared_messages: Path


def prepare_known(
    layout: Layout, runs: Sequence[RunRecord], run_id: str, new_bytes: int, new_files: int
) -> KnownIndexes:
    """Return indexes that hold exactly what `runs` committed, and empty tables for a run that will read `new_bytes` of
    `new_files`.
    """
    name = _state_name(runs)
    pieces = layout.cache / f"pieces-{name}.idx"
    messages = layout.cache / f"messages-{name}.idx"
    imported = layout.cache / f"imported-{_imports_name(layout)}.idx"
    if not pieces.exists():
        _write_index(_committed(layout, runs, STORE.name), "digest", pieces)
    if not messages.exists():
        _write_index(_committed(layout, runs, MESSAGES.name), "message_id", messages)
    if not imported.exists():
        _write_index(verified_imports(layout), "message_id", imported)
    for old in layout.cache.glob("*.idx"):
        if old not in (pieces, messages, imported):
            old.unlink()
    staging = layout.staging / run_id
    staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared_pieces, shared_messages = staging / "pieces.set", staging / "messages.set"
    SharedSet.make(shared_pieces, new_files + new_bytes // _EXPECTED_BYTES_PER_PIECE)
    SharedSet.make(shared_messages, 1000 + new_bytes // _EXPECTED_BYTES_PER_MESSAGE)
    return KnownIndexes(pieces, messages, imported, shared_pieces, shared_messages)


def _state_name(runs: Sequence[RunRecord]) -> str:
    """Name a state of the archive by its last commit: run and number of phases."""
    return f"{runs[-1].run_id}-{len(runs[-1].phases)}" if runs else "empty"


def _imports_name(layout: Layout) -> str:
    """Name a state of what was read in from other stores: its files bear their digests."""
    names = "".join(path.name for path in imported_files(layout))
    return blake2b(names.encode(), digest_size=8).hexdigest()


def _committed(layout: Layout, runs: Sequence[RunRecord], table: str) -> list[Path]:
    return [layout.root / part.path for part in committed_parts(runs, table)]


def _write_index(parts: Sequence[Path], column: str, target: Path) -> None:
    digests: set[bytes] = set()
    for part in parts:
        values = pq.read_table(part, columns=[column], partitioning=None).column(column)
        for value in values.to_pylist():
            digests.add(bytes.fromhex(value[: WIDTH * 2]) if isinstance(value, str) else bytes(value or b""))
    temporary = target.with_suffix(".tmp")
    write_known(temporary, sorted(digests))
    temporary.replace(target)
