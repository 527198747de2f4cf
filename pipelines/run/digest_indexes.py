"""Cached index files of the digests that earlier runs stored: derived from the archive's Parquet files, extended after
each run, and rebuilt when they are missing or stale.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from models.errors import FixityError
from models.run import DamageRecord, PartRecord, RunRecord
from models.tables import MESSAGES, STORE
from pipelines.archive.damage import without_damaged
from pipelines.archive.imported import imported_files, sound_imports
from pipelines.archive.parquet import open_parquet
from pipelines.disk.layout import Layout
from pipelines.run.digest_sets import WIDTH, SharedSet, extend_known_digests, is_whole, write_known_digests

_SHORTEST_MESSAGES = 200_000
_EXPECTED_BYTES_PER_MESSAGE = 4 << 10
"""The size of the shared message table: `_SHORTEST_MESSAGES`, plus one message per so many new bytes, twice as many as
real transcripts hold. Hashing touches every page of the table, so a larger one would waste memory.
"""
_EXPECTED_BYTES_PER_PIECE = 16 << 10


@dataclass(frozen=True, slots=True)
class DigestIndexes:
    """Paths of the index files over earlier runs, and of the hash tables that the workers of this run share."""

    pieces: Path
    messages: Path
    imported: Path
    shared_pieces: Path
    shared_messages: Path


def prepare_indexes(
    layout: Layout,
    runs: Sequence[RunRecord],
    run_id: str,
    new_bytes: int,
    new_files: int,
    damage: Sequence[DamageRecord] = (),
) -> DigestIndexes:
    """Return indexes of exactly the digests that `runs` committed outside the files named in `damage`, and empty tables
    for a run that will read `new_bytes` of `new_files`. The content of a damaged Parquet file is left out of the
    indexes, so that this run stores it again.

    Raises FixityError if a Parquet file that is needed for an index and not named in `damage` cannot be read.
    """
    pieces = known_pieces(layout, runs, damage)
    messages = _index(layout, "messages", without_damaged(runs, damage, MESSAGES.name), "message_id")
    foreign = imported_files(layout)
    imported = layout.digest_index(f"imported-{_names(path.name for path in foreign)[-1]}")
    if not is_whole(imported):
        _write_index(sound_imports(layout), "message_id", imported)
    for old in layout.digest_indexes():
        if old not in (pieces, messages, imported):
            old.unlink()
    staging = layout.staging / run_id
    staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared_pieces, shared_messages = staging / "pieces.set", staging / "messages.set"
    SharedSet.make(shared_pieces, new_files + new_bytes // _EXPECTED_BYTES_PER_PIECE)
    expected = min(new_bytes // 256, _SHORTEST_MESSAGES + new_bytes // _EXPECTED_BYTES_PER_MESSAGE)
    SharedSet.make(shared_messages, 1000 + expected)
    return DigestIndexes(pieces, messages, imported, shared_pieces, shared_messages)


def known_pieces(layout: Layout, runs: Sequence[RunRecord], damage: Sequence[DamageRecord]) -> Path:
    """Return the index of the pieces that `runs` committed outside the files named in `damage`. Raises FixityError if
    another Parquet file of the store cannot be read.
    """
    return _index(layout, "pieces", without_damaged(runs, damage, STORE.name), "digest")


def _index(layout: Layout, kind: str, parts: Sequence[PartRecord], column: str) -> Path:
    """Return the index of a column of Parquet files: the cached one; or else a cached index of the longest prefix of
    `parts`, extended; or else a new one.
    """
    names = _names(part.sha256 for part in parts)
    wanted = layout.digest_index(f"{kind}-{names[-1]}")
    if not is_whole(wanted):
        cached = [path for path in layout.digest_indexes() if path.name.startswith(f"{kind}-")]
        here = {path.stem.removeprefix(f"{kind}-"): path for path in cached if is_whole(path)}
        covered = max((number for number, name in enumerate(names) if name in here), default=0)
        others = [layout.root / part.path for part in parts[covered:]]
        _write_index(others, column, wanted, here[names[covered]] if covered else None)
    return wanted


def _names(digests: Iterable[str]) -> list[str]:
    """Return for each prefix of `digests` (of length 0, 1, 2 …) a name derived from it: an index's file name so
    identifies the Parquet files from which it was built.
    """
    made = blake2b(digest_size=8)
    names = [made.hexdigest()]
    for digest in digests:
        made.update(digest.encode())
        names.append(made.hexdigest())
    return names


def _write_index(parts: Sequence[Path], column: str, target: Path, earlier: Path | None = None) -> None:
    """Write the index of a column of `parts`, merged with the `earlier` index of other files if one is given."""
    digests = (digest for part in parts for digest in _digests(part, column))
    temporary = target.with_suffix(".tmp")
    if earlier is None:
        write_known_digests(temporary, digests)
    else:
        extend_known_digests(earlier, temporary, digests)
    temporary.replace(target)


def _digests(part: Path, column: str) -> Iterator[bytes]:
    try:
        with open_parquet(part) as file:
            for group in range(file.num_row_groups):
                values = file.read_row_group(group, columns=[column], use_threads=False).column(column).to_pylist()
                for value in values:
                    if value is not None:
                        yield bytes.fromhex(value[: WIDTH * 2]) if isinstance(value, str) else value
    except (OSError, pa.ArrowException) as error:
        raise FixityError(f"{part} is damaged and cannot be read ({error}); see `extract verify`") from error
