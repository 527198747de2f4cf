"""Finds lost pieces of the store again, wherever their bytes still are; pieces found nowhere are marked as lost in the
recipes.

A piece belongs to the first run that names it in its recipes: every state of the archive that needs it has that run.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
from xxhash import xxh3_128

from models.manifest import FileState
from models.run import PartRecord, PhaseRecord, RunRecord, in_effect
from models.schema import Row
from models.tables import ERASED, LOST, MANIFEST, PIECES, STORE
from pipelines.archive.archive import Archive, write_record
from pipelines.archive.committed import PhaseKey, parts_of, phases_of
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import bytes_column, open_parquet, read_columns, read_row_groups
from pipelines.disk.layout import mended_part_name, retired_part_name
from pipelines.repair.files import write_part
from pipelines.repair.home_bytes import HomeFiles
from pipelines.repair.readings_anew import sound
from pipelines.repair.work import Work, retired

IN_HOMES = "a home"


@dataclass(slots=True)
class Missing:
    """The pieces that the recipes name and the store lacks: by digest, the phases that have to store them, and one
    span of one file each, with its length.
    """

    owners: dict[bytes, list[PhaseKey]] = field(default_factory=lambda: defaultdict(list))
    spans: dict[bytes, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))


def mend_pieces(work: Work, homes: HomeFiles, given: Mapping[bytes, bytes]) -> None:
    """Store the lost pieces that can be found, and mark the rest as lost. `given` are bytes that were read from homes
    for new recipes, by digest.
    """
    runs = work.runs()
    missing = _missing(work, runs)
    if not missing.owners:
        return
    seed = Archive.open(work.layout).seed
    made: dict[PhaseKey, list[PartRecord]] = defaultdict(list)
    found: Counter[str] = Counter()
    wanted = set(missing.owners)
    batch: dict[PhaseKey, list[Row]] = defaultdict(list)
    size = 0
    for digest, content, shown in _searched(work, runs, homes, given, missing, wanted):
        if digest not in wanted or xxh3_128(content, seed=seed).digest() != digest:
            continue
        wanted.discard(digest)
        found[shown] += 1
        for where in missing.owners[digest]:
            batch[where].append(STORE.row(digest=digest, piece_bytes=len(content), content=content))
            size += len(content)
        if size > 64 << 20:
            _store(work, batch, made)
            size = 0
    _store(work, batch, made)
    _record(work, runs, made, wanted)
    lost = f", {len(wanted)} are in nothing" if wanted else ""
    places = ", ".join(f"{count} in {shown}" for shown, count in sorted(found.items()))
    work.tell("store", f"lacks {len(missing.owners)} pieces", f"found again: {places or 'none'}{lost}")
    work.has_changed = True


def _missing(work: Work, runs: Sequence[RunRecord]) -> Missing:
    stored: dict[bytes, set[str]] = defaultdict(set)
    for where, phase in phases_of(runs):
        for part in sound(work, phase, STORE):
            for digest in bytes_column(read_columns(work.layout, [part], STORE, ["digest"]), "digest"):
                stored[digest].add(where[0])
    made = Missing()
    lines = {run.run_id: {one.run_id for one in in_effect(runs, run.run_id)} for run in runs}
    names = ["digest", "file_id", "byte_offset", "byte_length"]
    for where, phase in phases_of(runs):
        for row in read_columns(work.layout, sound(work, phase, PIECES), PIECES, names).to_pylist():
            digest = row["digest"]
            if digest in (ERASED, LOST):
                continue
            if stored[digest].isdisjoint(lines[where[0]]):
                stored[digest].add(where[0])
                made.owners[digest].append(where)
            if digest in made.owners:
                made.spans[digest].append((row["file_id"], row["byte_offset"], row["byte_length"]))
    return made


def _searched(
    work: Work,
    runs: Sequence[RunRecord],
    homes: HomeFiles,
    given: Mapping[bytes, bytes],
    missing: Missing,
    wanted: set[bytes],
) -> Iterator[tuple[bytes, bytes, str]]:
    """Yield digest, bytes and place of pieces that may be those missing; ends when none is wanted any more."""
    yield from ((digest, content, IN_HOMES) for digest, content in given.items())
    own = {part.path for _, phase in phases_of(runs) for part in parts_of(phase, STORE)}
    for path, shown in _store_files(work, own):
        if not wanted:
            return
        yield from ((digest, content, shown) for digest, content in _contents(path, wanted))
    names: dict[int, FileState] = {}
    for _, phase in phases_of(runs) if wanted else ():
        for part in sound(work, phase, MANIFEST):
            for state in read_manifest(work.layout.root / part.path):
                if state.file_id is not None:
                    names[state.file_id] = state
    for digest in sorted(wanted):
        for file_id, offset, length in missing.spans[digest]:
            named = names.get(file_id)
            content = homes.span(named, offset, length) if named is not None else None
            if content is not None:
                yield digest, content, IN_HOMES


def _store_files(work: Work, own: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yield every file that may hold pieces, intact or damaged: of the store itself, those in quarantine, those that no
    record lists, and those of other places. A piece is accepted by its digest alone.
    """
    for name in sorted(own):
        yield work.layout.root / name, "other parts of the store"
    for path in sorted(work.layout.quarantine.glob("store/**/*.parquet*")):
        yield path, "what is whole of the damaged parts"
    for path in sorted(work.layout.store.glob("home=*/run=*/*.parquet")):
        if work.layout.relative(path) not in own:
            yield path, "parts that no commit record lists"
    for other in work.places.others:
        for path in sorted(other.store.glob("home=*/run=*/*.parquet")):
            yield path, str(other.root)


def _contents(path: Path, wanted: set[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield digest and bytes of those wanted pieces that a file still holds, of each row group that can be read."""
    try:
        with open_parquet(path) as file:
            for group in range(file.num_row_groups):
                try:
                    digests = file.read_row_group(group, columns=["digest"], use_threads=False)["digest"].to_pylist()
                    if wanted.isdisjoint(digests):
                        continue
                    contents = file.read_row_group(group, columns=["content"], use_threads=False)["content"].to_pylist()
                except (OSError, pa.ArrowException):
                    continue
                for digest, content in zip(digests, contents, strict=True):
                    if digest is not None and digest in wanted:
                        yield digest, content or b""
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return


def _store(work: Work, batch: dict[PhaseKey, list[Row]], made: dict[PhaseKey, list[PartRecord]]) -> None:
    for where, rows in batch.items():
        run_id, home_id, phase = where
        directory = work.layout.part_directory(STORE.name, home_id, run_id)
        made[where].append(write_part(work.layout, directory, STORE, rows, partial(mended_part_name, phase)))
    batch.clear()


def _record(
    work: Work, runs: Sequence[RunRecord], made: Mapping[PhaseKey, Sequence[PartRecord]], lost: set[bytes]
) -> None:
    """List the new parts in the commit records, and mark the lost pieces in the recipes."""
    for run in runs:
        is_new = False
        for phase in run.phases:
            added = made.get((run.run_id, phase.home_id, phase.phase), ())
            phase.parts += [part for part in added if part not in phase.parts]
            is_marked = bool(lost) and _mark(work, run, phase, lost)
            is_new |= bool(added) or is_marked
        if is_new:
            write_record(work.layout, run, "repair-record")


def _mark(work: Work, run: RunRecord, phase: PhaseRecord, lost: set[bytes]) -> bool:
    """Write those recipes of a phase again that name lost pieces; returns whether there are any."""
    is_new = False
    for part in sound(work, phase, PIECES):
        digests = read_columns(work.layout, [part], PIECES, ["digest"])["digest"].to_pylist()
        if lost.isdisjoint(digests):
            continue
        directory = work.layout.part_directory(PIECES.name, phase.home_id, run.run_id)
        named = partial(retired_part_name, phase.phase)
        new = write_part(work.layout, directory, PIECES, _marked(work, part, lost), named)
        phase.parts = [new if one == part else one for one in phase.parts]
        phase.retired.append(retired(part, "named pieces that are lost"))
        is_new = True
    return is_new


def _marked(work: Work, part: PartRecord, lost: set[bytes]) -> Iterator[Row]:
    for rows in read_row_groups(work.layout, part, PIECES):
        names = rows.column_names
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            held = dict(zip(names, row, strict=True))
            if held["digest"] in lost:
                held["digest"] = LOST
            yield tuple(held[name] for name in names)
