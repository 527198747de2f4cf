"""The indexes of digests known from earlier runs: made of what is kept, kept beside it, made again when they are
missing or stale.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import FixityError
from models.run import PartRecord, RunRecord
from models.tables import MESSAGES, STORE
from pipelines.archive import committed_parts
from pipelines.imports import imported_files, verified_imports
from pipelines.layout import Layout
from pipelines.seen import WIDTH, SharedSet, is_whole, write_known

_SHORTEST_MESSAGES = 200_000
_EXPECTED_BYTES_PER_MESSAGE = 4 << 10
"""So many short ones are foreseen, and beyond them one in so many bytes: half of what a message takes in real
transcripts. The table is touched all over, so that what it has too much is memory for nothing.
"""
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
    `new_files`. Raises FixityError when a part that an index has to be made of is damaged.
    """
    store, texts = committed_parts(runs, STORE.name), committed_parts(runs, MESSAGES.name)
    pieces = layout.cache / f"pieces-{_name(part.sha256 for part in store)}.idx"
    messages = layout.cache / f"messages-{_name(part.sha256 for part in texts)}.idx"
    imported = layout.cache / f"imported-{_name(path.name for path in imported_files(layout))}.idx"
    if not is_whole(pieces):
        _write_index(_paths(layout, store), "digest", pieces)
    if not is_whole(messages):
        _write_index(_paths(layout, texts), "message_id", messages)
    if not is_whole(imported):
        _write_index(verified_imports(layout), "message_id", imported)
    for old in layout.cache.glob("*.idx"):
        if old not in (pieces, messages, imported):
            old.unlink()
    staging = layout.staging / run_id
    staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared_pieces, shared_messages = staging / "pieces.set", staging / "messages.set"
    SharedSet.make(shared_pieces, new_files + new_bytes // _EXPECTED_BYTES_PER_PIECE)
    expected = min(new_bytes // 256, _SHORTEST_MESSAGES + new_bytes // _EXPECTED_BYTES_PER_MESSAGE)
    SharedSet.make(shared_messages, 1000 + expected)
    return KnownIndexes(pieces, messages, imported, shared_pieces, shared_messages)


def _name(digests: Iterable[str]) -> str:
    """Name what an index is made of, so that none is ever taken for that of other parts."""
    made = blake2b(digest_size=8)
    for digest in digests:
        made.update(digest.encode())
    return made.hexdigest()


def _paths(layout: Layout, parts: Iterable[PartRecord]) -> list[Path]:
    return [layout.root / part.path for part in parts]


def _write_index(parts: Sequence[Path], column: str, target: Path) -> None:
    digests: set[bytes] = set()
    for part in parts:
        for value in _column(part, column):
            digests.add(bytes.fromhex(value[: WIDTH * 2]) if isinstance(value, str) else value)
    temporary = target.with_suffix(".tmp")
    write_known(temporary, sorted(digests))
    temporary.replace(target)


def _column(part: Path, column: str) -> list[str | bytes]:
    try:
        with pq.ParquetFile(part, page_checksum_verification=True) as file:
            values = file.read(columns=[column], use_threads=False).column(column).to_pylist()
            return [value for value in values if value is not None]
    except (OSError, pa.ArrowException) as error:
        raise FixityError(f"{part} cannot be read, its bytes are damaged ({error}); see `extract verify`") from error
