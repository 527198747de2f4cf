"""Rewrites the parts of committed phases without the erased content, and makes the phases' new records."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from models.manifest import FileState
from models.run import PartRecord, PhaseRecord
from models.schema import Row, Table
from models.tables import DRIFT, ENTRIES, EXTRACTIONS, MANIFEST, MESSAGES, OCCURRENCES, PIECES, REJECTS, STORE
from pipelines.archive.committed import PhaseKey, parts_of
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import bytes_column, integer_column, read_columns, read_row_groups, text_column
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.forget.counts import Extraction, PhaseContents, changed_counts, distribute_new_bytes, number
from pipelines.forget.digests import Redigester
from pipelines.forget.find import FoundForErasure, going_rows
from pipelines.forget.matcher import Matcher, rows_that_hold
from pipelines.forget.part_writer import PartWriter, table_of_part
from pipelines.forget.recipes import Recipes

_BATCH = 24 << 20


@dataclass(slots=True)
class ErasedCounts:
    """Counts of the erased content of one phase: entries, rows and bytes of padding by file_id, message occurrences by
    source (`occurrences_gone`) and by file_id (`occurrences_gone_in`), rejects by code.
    """

    entries: Counter[tuple[int, str]] = field(default_factory=Counter)
    rows: Counter[int] = field(default_factory=Counter)
    padding: Counter[int] = field(default_factory=Counter)
    occurrences_gone: Counter[str] = field(default_factory=Counter)
    occurrences_gone_in: Counter[int] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Rewriter:
    """Rewrites phases. `reader` reads everything that all runs stored."""

    layout: Layout
    matcher: Matcher
    found: FoundForErasure
    recipes: Recipes
    redigester: Redigester
    reader: StoreReader
    writer: PartWriter
    _phases_with_added: set[PhaseKey] = field(default_factory=set)

    def rewrite(self, where: PhaseKey, phase: PhaseRecord) -> PhaseRecord | None:
        """Rewrite the affected parts of a phase; return its new record, None when no part is affected."""
        before = self._contents(phase)
        states = self._states(before.states)
        gone = self._gone(where, phase)
        extractions = self._extractions(where, phase, before.extractions, gone)
        after = PhaseContents(states if states is not None else before.states, extractions)
        parts: list[PartRecord] = []
        for part in phase.parts:
            new = self._part(where, part, states, extractions, before.extractions)
            parts += [new] if new is not None else []
        added = self.recipes.added.get(where)
        if added and not parts_of(phase, STORE):
            new = self.writer.write_new(where, STORE, self._added(added))
            parts += [new] if new is not None else []
        if parts == phase.parts:
            return None
        made = changed_counts(phase, before, after, gone.occurrences_gone, gone.rejects)
        return replace(made, parts=parts)

    def _contents(self, phase: PhaseRecord) -> PhaseContents:
        (manifest,) = parts_of(phase, MANIFEST)
        (readings,) = parts_of(phase, EXTRACTIONS)
        rows = [row for some in read_row_groups(self.layout, readings, EXTRACTIONS) for row in some.to_pylist()]
        return PhaseContents(read_manifest(self.layout.root / manifest.path), rows)

    def _states(self, before: Sequence[FileState]) -> list[FileState] | None:
        """Return the remaining rows of the manifest, with new digests; None when none changes."""
        made, is_changed = [], False
        for state in before:
            if (state.home_id, state.path_bytes) in self.found.paths:
                is_changed = True
                continue
            new = replace(state)
            is_changed |= self.redigester.redigest(new)
            if new.detail is not None and self.matcher.holds(new.detail.encode()):
                new.detail, is_changed = None, True
            made.append(new)
        return made if is_changed else None

    def _gone(self, where: PhaseKey, phase: PhaseRecord) -> ErasedCounts:
        """Count the erased content of a phase."""
        made = ErasedCounts()
        spans = self.found.entries.get(where, {})
        if not spans and not self.found.file_ids:
            return made
        void = {file_id for file_id, is_void in self._columns(phase, EXTRACTIONS, "file_id", "is_void") if is_void}
        names = ["file_id", "byte_offset", "byte_length", "entry_kind", "row_count"]
        rows = read_columns(self.layout, parts_of(phase, ENTRIES), ENTRIES, names)
        rows = rows.filter(going_rows(self.found, where, rows))
        for file_id, length, kind, count in zip(
            integer_column(rows, "file_id"),
            integer_column(rows, "byte_length"),
            text_column(rows, "entry_kind"),
            integer_column(rows, "row_count"),
            strict=True,
        ):
            made.entries[file_id, kind] += 1
            made.rows[file_id] += count
            made.padding[file_id] += length if kind == "padding" else 0
        rows = read_columns(
            self.layout, parts_of(phase, OCCURRENCES), OCCURRENCES, ["file_id", "byte_offset", "source"]
        )
        rows = rows.filter(going_rows(self.found, where, rows))
        made.occurrences_gone.update(text_column(rows, "source"))
        made.occurrences_gone_in.update(integer_column(rows, "file_id"))
        rows = read_columns(self.layout, parts_of(phase, REJECTS), REJECTS, ["file_id", "byte_offset", "code"])
        rows = rows.filter(going_rows(self.found, where, rows))
        counted = zip(integer_column(rows, "file_id"), text_column(rows, "code"), strict=True)
        made.rejects.update(code for file_id, code in counted if file_id not in void)
        return made

    def _columns(self, phase: PhaseRecord, table: Table, *names: str) -> Iterator[tuple[object, ...]]:
        rows = read_columns(self.layout, parts_of(phase, table), table, names)
        return zip(*(rows[name].to_pylist() for name in names), strict=True)

    def _extractions(
        self, where: PhaseKey, phase: PhaseRecord, before: Sequence[Extraction], gone: ErasedCounts
    ) -> list[Extraction]:
        """Return the remaining rows of `extractions`, with counts of their remaining content."""
        touched = self.found.entries.get(where, {})
        made = [dict(row) for row in before if row["file_id"] not in self.found.file_ids]
        for row in made:
            file_id = number(row, "file_id")
            if file_id not in touched:
                continue
            with_rows, rejected = gone.entries[file_id, "entry"], gone.entries[file_id, "reject"]
            row["entries_with_rows"] = number(row, "entries_with_rows") - with_rows
            row["reject_count"] = number(row, "reject_count") - rejected
            row["entry_count"] = number(row, "entry_count") - with_rows - rejected
            row["row_count"] = number(row, "row_count") - gone.rows[file_id]
            row["padding_bytes"] = number(row, "padding_bytes") - gone.padding[file_id]
            row["message_count"] = number(row, "message_count") - gone.occurrences_gone_in[file_id]
            row["piece_count"] = len(self.recipes.rows[where][file_id])
        self._correct_new_piece_bytes(where, phase, before, made)
        return made

    def _correct_new_piece_bytes(
        self, where: PhaseKey, phase: PhaseRecord, before: Sequence[Extraction], after: Sequence[Extraction]
    ) -> None:
        """Correct `new_piece_bytes` so that its sum is the number of bytes that the phase's store now has."""
        change = 0
        for digest in self.recipes.added.get(where, ()):
            change += len(self.recipes.content(self.reader, digest))
        removed = self.recipes.removed.get(where, set())
        if removed:
            rows = read_columns(self.layout, parts_of(phase, STORE), STORE, ["digest", "piece_bytes"])
            sizes = zip(bytes_column(rows, "digest"), integer_column(rows, "piece_bytes"), strict=True)
            change -= sum(size for digest, size in sizes if digest in removed)
        change += sum(number(row, "new_piece_bytes") for row in before)
        change -= sum(number(row, "new_piece_bytes") for row in after)
        touched = self.found.entries.get(where, {})
        distribute_new_bytes(sorted(after, key=lambda row: row["file_id"] not in touched), change)

    def _part(
        self,
        where: PhaseKey,
        part: PartRecord,
        states: Sequence[FileState] | None,
        extractions: Sequence[Extraction],
        before: Sequence[Extraction],
    ) -> PartRecord | None:
        """Return the new record of a part: itself when it is not affected, None when no row remains."""
        table = table_of_part(part)
        if table is MANIFEST:
            return part if states is None else self.writer.write(part, table, [_of_states(states)])
        if table is EXTRACTIONS:
            if extractions == list(before):
                return part
            rows = pa.Table.from_pylist(list(extractions), schema=EXTRACTIONS.arrow())
            return self.writer.write(part, table, [rows])
        if table is STORE:
            return self._store(where, part)
        if all(self._staying(where, table, rows) is rows for rows in self._if_touched(where, part, table)):
            return part
        staying = (self._staying(where, table, rows) for rows in read_row_groups(self.layout, part, table))
        return self.writer.write(part, table, staying)

    def _if_touched(self, where: PhaseKey, part: PartRecord, table: Table) -> Iterator[pa.Table]:
        """Yield the rows of a part, or none when no affected file has rows in it."""
        if table.has_provenance:
            files = [*self.found.file_ids, *self.found.entries.get(where, {})]
            rows = read_columns(self.layout, [part], table, ["file_id"])
            if not pc.any(pc.is_in(rows["file_id"], pa.array(files, pa.int64()))).as_py():
                return
        yield from read_row_groups(self.layout, part, table)

    def _staying(self, where: PhaseKey, table: Table, rows: pa.Table) -> pa.Table:
        """Return the remaining rows; the same object when all remain unchanged."""
        if table is MESSAGES:
            gone = pc.is_in(rows["message_id"], pa.array(sorted(self.found.messages), pa.string()))
            return rows.filter(pc.invert(gone)) if pc.any(gone).as_py() else rows
        if table is DRIFT:
            return self._drift(rows)
        if not table.has_provenance:
            return rows
        if table is PIECES:
            return self._recipe(where, rows)
        gone = going_rows(self.found, where, rows)
        if not pc.any(gone).as_py():
            return rows
        return self._entries(rows, gone) if table is ENTRIES else rows.filter(pc.invert(gone))

    def _drift(self, rows: pa.Table) -> pa.Table:
        """Drop drift rows that contain it, and those with an example in an erased file."""
        dropped = rows_that_hold(self.matcher, rows) if not self.matcher.is_empty else set[int]()
        dropped |= {
            row for row, file_id in enumerate(integer_column(rows, "file_id")) if file_id in self.found.file_ids
        }
        if not dropped:
            return rows
        return rows.take(pa.array([row for row in range(rows.num_rows) if row not in dropped], pa.int64()))

    def _entries(self, rows: pa.Table, gone: "pa.BooleanArray") -> pa.Table:
        """Keep erased entries of remaining files as spans of kind `erased`; an unfinished last line stays `tail`."""
        whole = pc.is_in(rows["file_id"], pa.array(list(self.found.file_ids), pa.int64()))
        erased = [
            is_gone and kind != "tail"
            for is_gone, kind in zip(gone.to_pylist(), text_column(rows, "entry_kind"), strict=True)
        ]
        kinds = [
            "erased" if is_erased else kind
            for is_erased, kind in zip(erased, text_column(rows, "entry_kind"), strict=True)
        ]
        counts = [
            0 if is_gone else count
            for is_gone, count in zip(gone.to_pylist(), integer_column(rows, "row_count"), strict=True)
        ]
        for name, values in (("entry_kind", pa.array(kinds, pa.string())), ("row_count", pa.array(counts, pa.int64()))):
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, rows.schema.field(at), values)
        return rows.filter(pc.invert(whole))

    def _recipe(self, where: PhaseKey, rows: pa.Table) -> pa.Table:
        """Replace the recipes of affected files by the new ones."""
        new = self.recipes.rows.get(where, {})
        here = [file_id for file_id in sorted(set(integer_column(rows, "file_id"))) if file_id in new]
        going = pa.array([*self.found.file_ids, *new], pa.int64())
        staying = rows.filter(pc.invert(pc.is_in(rows["file_id"], going)))
        made = [
            {
                "digest": digest,
                "home_id": where[1],
                "run_id": where[0],
                "file_id": file_id,
                "byte_offset": offset,
                "byte_length": length,
            }
            for file_id in here
            for offset, length, digest in new[file_id]
        ]
        return pa.concat_tables([staying, pa.Table.from_pylist(made, schema=rows.schema)])

    def _store(self, where: PhaseKey, part: PartRecord) -> PartRecord | None:
        """Remove unneeded pieces from a part of the store; add the new remainders to the phase's first such part."""
        removed = self.recipes.removed.get(where, set())
        added = self.recipes.added.get(where, [])
        digests = set(bytes_column(read_columns(self.layout, [part], STORE, ["digest"]), "digest"))
        is_first = where not in self._phases_with_added
        self._phases_with_added.add(where)
        if removed.isdisjoint(digests) and not (added and is_first):
            return part
        return self.writer.write(part, STORE, self._stored(part, removed, added if is_first else ()))

    def _stored(self, part: PartRecord, removed: Collection[bytes], added: Sequence[bytes]) -> Iterator[pa.Table]:
        for rows in read_row_groups(self.layout, part, STORE):
            yield rows.filter(pc.invert(pc.is_in(rows["digest"], pa.array(sorted(removed), pa.binary(16)))))
        yield from self._added(added)

    def _added(self, digests: Sequence[bytes]) -> Iterator[pa.Table]:
        rows: list[Row] = []
        size = 0
        for digest in digests:
            content = self.recipes.content(self.reader, digest)
            rows.append(STORE.row(digest=digest, piece_bytes=len(content), content=content))
            size += len(content)
            if size >= _BATCH:
                yield _of_rows(STORE, rows)
                rows, size = [], 0
        if rows:
            yield _of_rows(STORE, rows)


def _of_states(states: Sequence[FileState]) -> pa.Table:
    return _of_rows(MANIFEST, [state.row() for state in states])


def _of_rows(table: Table, rows: Sequence[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(table.columns)
    arrays = [pa.array(values, column.type.arrow) for values, column in zip(columns, table.columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=table.arrow())
