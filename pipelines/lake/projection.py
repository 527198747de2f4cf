"""Writes the files of runs again for a place that may not have everything: without withheld files, prompts and
sessions, and for team and public with every text masked.

Rows are chosen by the session or file that they belong to (`pipelines.privacy.levels`), never by their text. Rows of
other files that name a withheld session, or a directory in which only withheld sessions worked, do not go either. A
file with any row withheld goes without its bytes.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from models.message import message_id
from models.run import PartRecord, PhaseRecord, RunRecord
from models.schema import BYTES, JSON, TEXT, Table
from models.tables import DRIFT, ENTRIES, EXTRACTIONS, MANIFEST, MESSAGES, OCCURRENCES, PIECES, REPAIRS, STORE
from pipelines.archive.committed import known_tables
from pipelines.archive.parquet import (
    bytes_column,
    finish_part,
    integer_column,
    open_writer,
    read_row_groups,
    text_column,
)
from pipelines.disk.atomic import make_directories
from pipelines.disk.layout import Layout
from pipelines.forget.matcher import Matcher, rows_that_hold
from pipelines.privacy.levels import Levels
from pipelines.privacy.rules import TEAM, rank
from pipelines.redact.masking import Masker
from pipelines.redact.rules import PrivacyLevel

_SHORTEST: Final = 8
"""Bytes of the shortest directory that is looked for in other rows."""
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
    """One such writing: all runs of an archive, for one level."""

    def __init__(
        self, layout: Layout, runs: Sequence[RunRecord], levels: Levels, level: str, key: bytes, work: Path
    ) -> None:
        """`key` is the secret key of the masks. Files are written below `work`."""
        self._layout, self._runs, self._work = layout, runs, work
        self._least = rank(level)
        self._is_redacted = rank(level) >= rank(TEAM)
        self._masker = Masker(PrivacyLevel[level.upper()], key) if self._is_redacted else None
        self._files = {file_id for file_id, one in levels.files.items() if one >= self._least}
        self._files -= levels.lines.keys()
        self._lines = {
            file_id: {offset for offset, one in lines.items() if one >= self._least}
            for file_id, lines in levels.lines.items()
        }
        whole = {file_id for file_id, lines in levels.lines.items() if len(self._lines[file_id]) == len(lines)}
        self._whole_lines = whole if not self._is_redacted else set[int]()
        self._matcher = _matcher_of(levels, self._least)
        self._touched = self._find_touched()
        self._messages, self._pieces = self._used()
        self._changed = self._changed_messages()

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
        for batch in read_row_groups(self._layout, part, table):
            if table is STORE:
                yield batch.filter(_is_in(batch, "digest", self._pieces, pa.binary(16)))
            elif table is MESSAGES:
                yield batch.filter(_is_in(batch, "message_id", self._messages, pa.string()))
            else:
                yield self._staying(batch, table)

    def _staying(self, batch: pa.Table, table: Table) -> pa.Table:
        """Return the rows of a batch of any other table that go there."""
        if table in (MANIFEST, EXTRACTIONS):
            return batch.filter(_is_in(batch, "file_id", self._files | self._lines.keys(), pa.int64()))
        if table is PIECES:
            return batch.filter(_is_in(batch, "file_id", (self._files | self._whole_lines) - self._touched, pa.int64()))
        files, offsets = integer_column(batch, "file_id"), integer_column(batch, "byte_offset")
        goes = [
            file_id in self._files or offset in self._lines.get(file_id, ())
            for file_id, offset in zip(files, offsets, strict=True)
        ]
        if table is DRIFT and self._is_redacted:
            goes = [False] * len(goes)
        if not self._matcher.is_empty and table not in (ENTRIES, REPAIRS):
            for number in rows_that_hold(self._matcher, batch):
                goes[number] = False
        return batch.filter(pa.array(goes, pa.bool_()))

    def _find_touched(self) -> set[int]:
        """Return the files some of whose rows name something withheld."""
        if self._matcher.is_empty:
            return set()
        found: set[int] = set()
        for table, part in self._parts():
            if table in (STORE, MESSAGES, MANIFEST, PIECES, EXTRACTIONS):
                continue
            for batch in read_row_groups(self._layout, part, table):
                held = rows_that_hold(self._matcher, batch)
                files = integer_column(batch, "file_id")
                found |= {files[number] for number in held}
        return found

    def _used(self) -> tuple[set[str], set[bytes]]:
        """Return the messages that occur in the outgoing files, and the pieces of those files whose bytes go as a
        whole.
        """
        messages: set[str] = set()
        pieces: set[bytes] = set()
        for table, part in self._parts():
            if table is OCCURRENCES:
                for batch in read_row_groups(self._layout, part, table):
                    messages |= set(text_column(self._staying(batch, table), "message_id"))
            elif table is PIECES and not self._is_redacted:
                for batch in read_row_groups(self._layout, part, table):
                    pieces |= set(bytes_column(self._staying(batch, table), "digest"))
        if not self._matcher.is_empty:
            messages -= self._messages_that_hold(messages)
        return messages, pieces

    def _messages_that_hold(self, messages: Collection[str]) -> set[str]:
        held: set[str] = set()
        for table, part in self._parts():
            if table is MESSAGES:
                for batch in read_row_groups(self._layout, part, table):
                    ids = text_column(batch, "message_id")
                    held |= {ids[number] for number in rows_that_hold(self._matcher, batch, ("text",))}
        return held & set(messages)

    def _changed_messages(self) -> dict[str, str]:
        """Return the new id of each message whose text is masked: the old one is a digest of the old text."""
        changed: dict[str, str] = {}
        if self._masker is None:
            return changed
        for table, part in self._parts():
            if table is MESSAGES:
                for batch in read_row_groups(self._layout, part, table):
                    ids, texts = text_column(batch, "message_id"), text_column(batch, "text")
                    for one, text in zip(ids, texts, strict=True):
                        if one in self._messages and (masked := self._masker.mask(text)) != text:
                            changed[one] = message_id(masked)
        return changed

    def _parts(self) -> Iterator[tuple[Table, PartRecord]]:
        for run in self._runs:
            for phase in run.phases:
                for part in phase.parts:
                    if part.rows and part.table in known_tables():
                        yield known_tables()[part.table], part

    def _masked(self, batch: pa.Table, table: Table) -> pa.Table:
        """Return rows with every text masked, and the ids of messages replaced whose text was."""
        if table is OCCURRENCES:
            gone = _is_in(batch, "message_id", self._messages, pa.string())
            batch = batch.filter(gone)
        if self._masker is None:
            return batch
        for number, column in enumerate(table.all_columns):
            values = batch.column(column.name).to_pylist()
            if table is MANIFEST and column.name in _DIGESTS:
                masked: list[object] = [None] * len(values)
            elif column.name.endswith("message_id") and column.type is TEXT:
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


def _matcher_of(levels: Levels, least: int) -> Matcher:
    """Return the matcher of ids and directories of withheld sessions, as far as no session that goes shares them."""
    withheld = set(levels.below(least))
    going = {session_id for home_id, session_id in levels.sessions if (home_id, session_id) not in withheld}
    kept = {one for key, some in levels.directories.items() if key not in withheld for one in some}
    ids = {session_id for _, session_id in withheld} - going
    directories = {one for key in withheld for one in levels.directories.get(key, ())} - kept
    apart = [one for one in directories if len(one) >= _SHORTEST and not any(other.startswith(one) for other in kept)]
    return Matcher(
        ids=frozenset(one.encode() for one in ids if _is_uuid(one)), texts=frozenset(one.encode() for one in apart)
    )


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f-]{36}", text) is not None
