"""Writes the files of runs again for a place that may not have everything: without the rows that are withheld
(`pipelines.lake.choice`), and for team and public with every text masked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from models.message import message_id
from models.run import PartRecord, PhaseRecord, RunRecord
from models.schema import BYTES, JSON, TEXT, Table
from models.tables import DRIFT, MANIFEST, MESSAGES, OCCURRENCES, PIECES, STORE
from pipelines.archive.committed import known_tables
from pipelines.archive.parquet import finish_part, open_writer, read_row_groups, text_column
from pipelines.disk.atomic import make_directories
from pipelines.disk.layout import Layout
from pipelines.lake.choice import Choice, message_columns
from pipelines.redact.masking import Masker

_DIGESTS: Final = ("sha256", "content_xxh3", "prefix_xxh3", "link_target", "erased_spans", "detail")
"""Columns of the manifest by which a reader could confirm a guess of a file's content."""
_NOT_MASKED: Final = frozenset({"message_id", "home_id", "run_id", "first_run_id", "session_id", "uuid", "parent_uuid"})


def cleaned(run: RunRecord) -> RunRecord:
    """Return a record without the fields that concern this machine alone: its warehouse, its reports, the damage that
    it found, and its revision.
    """
    return replace(
        run,
        homes_not_found={},
        texts=[],
        settings_sha256=None,
        warehouse=None,
        step_seconds={},
        damage=[],
        reparsed={},
        revision=0,
    )


class Projection:
    """One such writing of runs of an archive."""

    def __init__(
        self, layout: Layout, runs: Sequence[RunRecord], choice: Choice, masker: Masker | None, work: Path
    ) -> None:
        """`runs` are all runs of the archive; without `masker` texts stay as they are. Files go below `work`."""
        self._layout, self._runs, self._work = layout, runs, work
        self._choice, self._masker = choice, masker
        self._is_redacted = masker is not None
        self._changed: dict[str, str] = {}

    def prepare(self, runs: Iterable[RunRecord]) -> None:
        """Compute the new ids of masked messages for the runs that are to be written."""
        if self._masker is not None:
            self._changed = self._changed_messages({one for run in runs for one in self._choice.ids_in(run)})

    def run(self, run: RunRecord) -> RunRecord:
        """Write the files of a run, and return its record as it goes there; without phases if nothing of it does."""
        from_phases = [self._phase(run, phase) for phase in run.phases]
        phases = [phase for phase in from_phases if phase is not None]
        homes = {phase.home_id for phase in phases}
        kept = {one: one for one in run.homes if one in homes}
        return replace(cleaned(run), homes=kept, phases=phases, appeared={})

    def _phase(self, run: RunRecord, phase: PhaseRecord) -> PhaseRecord | None:
        parts = [made for part in phase.parts if (made := self._part(part)) is not None]
        if not any(part.rows for part in parts):
            return None
        return replace(phase, parts=parts, sources={}, outcomes={}, rejects={}, in_the_way={}, retired=[], parsers={})

    def _part(self, part: PartRecord) -> PartRecord | None:
        table = known_tables().get(part.table)
        if table is None or (self._is_redacted and table in (STORE, PIECES)):
            return None
        target = self._work / part.path
        make_directories(target.parent)
        rows = 0
        with open_writer(target, table) as writer:
            for batch in self._rows(part, table):
                masked = self._masked(batch, table)
                if masked.num_rows:
                    writer.write_table(masked)
                    rows += masked.num_rows
        made = finish_part(table.name, target, rows)
        return PartRecord(part.path, part.table, rows, made.size, made.sha256)

    def _rows(self, part: PartRecord, table: Table) -> Iterator[pa.Table]:
        """Yield the rows of a part that go there."""
        start = 0
        for batch in read_row_groups(self._layout, part, table):
            if table is STORE:
                yield batch.filter(_is_in(batch, "digest", self._choice.pieces, pa.binary(16)))
            elif table is MESSAGES:
                yield batch.filter(_is_in(batch, "message_id", self._choice.messages, pa.string()))
            elif table is not DRIFT or not self._is_redacted:
                yield batch.filter(pa.array(self._choice.goes(part, table, batch, start), pa.bool_()))
            start += batch.num_rows

    def _changed_messages(self, wanted: set[str]) -> dict[str, str]:
        """Return the new id of each of these messages whose text is masked: the old one is a digest of the old text."""
        changed: dict[str, str] = {}
        for table, part in (one for run in self._runs for one in self._choice.parts(run, MESSAGES)):
            for batch in read_row_groups(self._layout, part, table) if wanted else ():
                rows = batch.filter(_is_in(batch, "message_id", wanted, pa.string()))
                ids, texts = text_column(rows, "message_id"), text_column(rows, "text")
                for one, text in zip(ids, texts, strict=True):
                    assert self._masker is not None
                    if (masked := self._masker.mask(text)) != text:
                        changed[one] = message_id(masked)
        return changed

    def _masked(self, batch: pa.Table, table: Table) -> pa.Table:
        """Return rows with every text masked, and the ids of messages replaced whose text was."""
        if table is OCCURRENCES:
            batch = batch.filter(_is_in(batch, "message_id", self._choice.messages, pa.string()))
        if self._masker is None:
            return batch
        for number, column in enumerate(table.all_columns):
            values = batch.column(column.name).to_pylist()
            if table is MANIFEST and column.name in _DIGESTS:
                masked: list[object] = [None] * len(values)
            elif column.name in message_columns(table):
                masked = [one if one is None else self._changed.get(one, one) for one in values]
            elif column.name in _NOT_MASKED:
                continue
            elif column.type in (TEXT, JSON):
                masked = [one if one is None else self._masker.mask(one) for one in values]
            elif column.type is BYTES:
                masked = [one if one is None else _mask_bytes(self._masker, one) for one in values]
            else:
                continue
            batch = batch.set_column(number, table.arrow().field(number), pa.array(masked, column.type.arrow))
        if table is MESSAGES:
            sizes = [len(text.encode()) for text in text_column(batch, "text")]
            batch = batch.set_column(2, table.arrow().field(2), pa.array(sizes, pa.int64()))
        return batch


def _mask_bytes(masker: Masker, value: bytes) -> bytes:
    return masker.mask(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _is_in(batch: pa.Table, name: str, values: Iterable[object], kind: pa.DataType) -> "pa.BooleanArray":
    wanted = pa.array(list(values), kind)
    return pc.is_in(batch.column(name), value_set=wanted)
