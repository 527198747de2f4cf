"""The first half of an erasure: writes the new files beside the old ones, and returns the journal that, once written,
makes them replace the old ones."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from extractors.reading.erasure import Span, Tombstones
from models.observer import Observer
from models.run import RunRecord
from pipelines.archive.committed import phases_of
from pipelines.archive.erasure_journal import Journal
from pipelines.archive.store import StoreReader
from pipelines.archive.tombstones import Graveyard, Tombstone
from pipelines.disk.atomic import sync_directories
from pipelines.disk.layout import Layout, make_private
from pipelines.forget.digests import Redigester
from pipelines.forget.find import ErasureQuery, FoundForErasure, Piece, paths_of, recipes_of
from pipelines.forget.imported import imports_that_hold, stage_import
from pipelines.forget.matcher import SHORTEST, Matcher
from pipelines.forget.part_writer import PartWriter
from pipelines.forget.proof import file_holds
from pipelines.forget.recipes import make_recipes
from pipelines.forget.rewrite import Rewriter
from pipelines.run.sha256_lists import sha256_texts
from pipelines.run.unfinished_erasure import staged_imports

MANY_MATCHES: Final = 64
"""With more different matches of a pattern, the tombstone keeps no digest of each match: only those of entries."""


@dataclass(frozen=True, slots=True)
class Archived:
    """The archive as it is before the erasure: all runs, and a reader of everything in the store."""

    layout: Layout
    runs: Sequence[RunRecord]
    seed: int
    reader: StoreReader


def prepare(
    archived: Archived,
    graveyard: Graveyard,
    wanted: ErasureQuery,
    found: FoundForErasure,
    tombstone: Tombstone,
    observer: Observer,
) -> Journal:
    """Write the new parts and imports; return the journal, which the caller writes next.

    `tombstone` is complete except for its digests. Until the journal is written the new files have no effect, and the
    next start sweeps them. Raises FixityError, DataDirectoryError.
    """
    layout, runs = archived.layout, archived.runs
    recipes = make_recipes(layout, runs, archived.reader, archived.seed, found)
    tombstones = Tombstones(graveyard.key)
    rewriter = Rewriter(
        layout,
        wanted.matcher,
        found,
        recipes,
        Redigester(layout, runs, archived.seed, found, tombstones),
        archived.reader,
        PartWriter(layout, tombstone.number),
    )
    full = tombstone if wanted.is_by_age else _with_digests(archived, tombstones, wanted, found, tombstone)
    journal = Journal(graveyard.key.hex(), full)
    observer.step_begins("parts", sum(part.size for _, phase in phases_of(runs) for part in phase.parts))
    for run in runs:
        _rewrite_run(layout, rewriter, wanted.matcher, run, journal, observer)
    rewriter.writer.sync()
    if not wanted.is_by_age:
        _prepare_imports(layout, wanted, found, journal)
    _find_others(layout, wanted.matcher, runs, journal)
    return journal


def _rewrite_run(
    layout: Layout, rewriter: Rewriter, matcher: Matcher, run: RunRecord, journal: Journal, observer: Observer
) -> None:

    phases, is_changed = [], False
    for phase in run.phases:
        new = rewriter.rewrite((run.run_id, phase.home_id, phase.phase), phase)
        is_changed |= new is not None
        phases.append(new or phase)
        observer.advances(sum(part.size for part in phase.parts))
    appeared = {
        home_id: [path for path in paths if not matcher.holds(os.fsencode(path))]
        for home_id, paths in run.appeared.items()
    }
    if not is_changed and appeared == run.appeared:
        return
    made = replace(run, phases=phases, appeared=appeared)
    if run.texts:
        made.texts = [text.record(layout) for text in sha256_texts(layout, made)]
    journal.records[run.run_id] = made
    if layout.reports(run.run_id)[0].exists():
        journal.reports.append(run.run_id)


def _with_digests(
    archived: Archived, tombstones: Tombstones, wanted: ErasureQuery, found: FoundForErasure, tombstone: Tombstone
) -> Tombstone:
    """Return the tombstone with the digests by which later runs recognise the erased content."""
    texts = set(wanted.matcher.texts)
    entries = list(_erased_entries(archived, found))
    if wanted.matcher.patterns:
        matches = {match for _, data in entries for match in wanted.matcher.found(data)}
        matches = {match for match in matches if len(match) >= SHORTEST}
        texts |= matches if len(matches) <= MANY_MATCHES else set()
    needles = [tombstones.of_text(text) for text in sorted(texts)]
    ids = [tombstones.of_id(one) for one in wanted.matcher.ids]
    recognised = tombstones.having(ids=ids, needles=needles)
    paths = [*wanted.directories, *(path for _, path in wanted.files if not recognised.holds_path(path))]
    return replace(
        tombstone,
        ids=[one.hex() for one in ids],
        texts=[(one.length, one.hint.decode(), one.digest.hex()) for one in needles],
        message_ids=sorted(tombstones.of_message(one).hex() for one in found.messages | wanted.message_ids),
        paths=sorted({tombstones.of_path(path).hex() for path in paths}),
        entry_digests=sorted(
            {tombstones.of_entry(path, data).hex() for path, data in entries if not recognised.holds(data)}
        ),
    )


def _erased_entries(archived: Archived, found: FoundForErasure) -> "list[tuple[bytes, bytes]]":
    """Return path and bytes of each entry that is erased from a remaining file."""
    made: dict[tuple[bytes, bytes], None] = {}
    paths = paths_of(archived.layout, archived.runs, {one for files in found.entries.values() for one in files})
    for where, phase in phases_of(archived.runs):
        spans = found.entries.get(where, {})
        for file_id, pieces in recipes_of(archived.layout, phase, spans).items():
            for span in sorted(spans[file_id]):
                if file_id in paths:
                    made[paths[file_id][1], _bytes(archived.reader, pieces, span)] = None
    return list(made)


def _bytes(reader: StoreReader, pieces: Sequence[Piece], span: Span) -> bytes:
    start, end = span[0], sum(span)
    return b"".join(
        reader.piece(digest)[max(0, start - offset) : end - offset]
        for offset, length, digest in pieces
        if offset < end and offset + length > start
    )


def _prepare_imports(layout: Layout, wanted: ErasureQuery, found: FoundForErasure, journal: Journal) -> None:
    """Write the imported files without the erased rows, each named by its new SHA-256."""
    directory = staged_imports(layout)
    for imported in imports_that_hold(layout, wanted.matcher, found.messages | wanted.message_ids):
        journal.imported_gone.append(imported.path.name)
        if imported.staying:
            make_private(directory)
            journal.imported_new.append(stage_import(directory, imported.staying))
    if journal.imported_new:
        sync_directories([directory, directory.parent])


def _find_others(layout: Layout, matcher: Matcher, runs: Sequence[RunRecord], journal: Journal) -> None:
    """Add other files of the runs' directories that contain it: reports are rewritten, findings and drills deleted."""
    if matcher.is_empty:
        return
    for run in runs:
        for path in layout.run(run.run_id).iterdir():
            is_own = path == layout.commit_record(run.run_id) or path.name.startswith("manifest-sha256")
            if is_own or not path.is_file() or not file_holds(path, matcher):
                continue
            if path not in layout.reports(run.run_id):
                journal.deleted.append(layout.relative(path))
            elif run.run_id not in journal.reports:
                journal.reports.append(run.run_id)
