"""Decides which rows of an archive's runs go to a place of a level: by the session or file that they belong to
(`pipelines.privacy.levels`), and never rows of other files that name a withheld session or its directories.

Reading every text for such names is most of the work. So the rows found are remembered for each run: the next push
looks in a run that it knows only for the names that are new.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Final

import pyarrow as pa

from models.run import PartRecord, RunRecord
from models.schema import TEXT, Table
from models.tables import ENTRIES, EXTRACTIONS, MANIFEST, MESSAGES, OCCURRENCES, PIECES, REPAIRS, STORE
from pipelines.archive.committed import known_tables
from pipelines.archive.parquet import bytes_column, integer_column, read_columns, read_row_groups, text_column
from pipelines.disk.layout import Layout
from pipelines.forget.matcher import Matcher, rows_that_hold
from pipelines.lake.memory import PushMemory, RunMemory, Span, digest_of
from pipelines.privacy.levels import Levels

_SHORTEST: Final = 8
"""Bytes of the shortest directory that is looked for in other rows."""
_NAMELESS: Final = (STORE, MESSAGES, MANIFEST, PIECES, EXTRACTIONS)
"""Tables whose rows are not searched for names: other rules choose them."""


class Choice:
    """The decisions about all runs of an archive, for one rank of `pipelines.privacy.rules`.

    `files` may go whole; of the files in `lines` only the prompts at these offsets go. `messages` are the ids whose
    texts go, `pieces` the digests of the bytes that go, `touched` the files that go without their bytes. `runs` are the
    decisions by run_id, to be remembered, `needles` digests of the names that were looked for.
    """

    def __init__(
        self,
        layout: Layout,
        runs: Sequence[RunRecord],
        marks: Mapping[str, str],
        levels: Levels,
        least: int,
        *,
        with_bytes: bool,
        key: bytes,
        before: PushMemory,
    ) -> None:
        """`marks` are digests of the commit records by run_id, `with_bytes`: pieces go too. `before` has the decisions
        of an earlier push, with digests under `key`.
        """
        self._layout, self._all, self._key, self._before = layout, runs, key, before
        self.files = {file_id for file_id, one in levels.files.items() if one >= least} - levels.lines.keys()
        self.lines = {
            file_id: {offset for offset, one in lines.items() if one >= least}
            for file_id, lines in levels.lines.items()
        }
        whole = {file_id for file_id, lines in levels.lines.items() if len(self.lines[file_id]) == len(lines)}
        self._whole = whole if with_bytes else set[int]()
        self._in_order = {file_id: sorted(offsets) for file_id, offsets in self.lines.items()}
        self._matcher = _matcher_of(levels, least)
        named = {digest_of(key, (kind, one)): (kind, one) for kind, one in _names(self._matcher)}
        self.needles = frozenset(named)
        self._new = _matcher_from(one for name, one in named.items() if name not in before.needles)
        self._has_removed = bool(before.needles - self.needles)
        self.runs = {run.run_id: self._look_at(run, marks[run.run_id]) for run in runs}
        self.touched = {file_id for one in self.runs.values() for file_id in one.touched}
        staying = self._staying_messages()
        self.messages = staying - self._held_messages(staying)
        self.pieces = self._staying_pieces() if with_bytes else set[bytes]()
        self.runs = {
            run.run_id: replace(self.runs[run.run_id], decisions=self._decisions(run, self.runs[run.run_id]))
            for run in runs
        }

    def same_as_before(self, run_id: str) -> RunMemory | None:
        """Return the earlier decisions about a run if the same ones were made now."""
        old = self._before.runs.get(run_id)
        return old if old is not None and old.record and old.decisions == self.runs[run_id].decisions else None

    def goes(self, part: PartRecord, table: Table, batch: pa.Table, start: int) -> list[bool]:
        """Return of each row of a batch whether it goes; `start` is the number of its first row in the part. Not for
        the store and the texts of messages, which are chosen by `pieces` and `messages`.
        """
        files = integer_column(batch, "file_id")
        if table in (MANIFEST, EXTRACTIONS):
            return [file_id in self.files or file_id in self.lines for file_id in files]
        if table is PIECES:
            return [(one in self.files or one in self._whole) and one not in self.touched for one in files]
        made = [file_id in self.files for file_id in files]
        if not self.lines.keys().isdisjoint(files):
            offsets = integer_column(batch, "byte_offset")
            made = [
                goes or (file_id in self.lines and offset in self.lines[file_id])
                for goes, file_id, offset in zip(made, files, offsets, strict=True)
            ]
        if table not in (ENTRIES, REPAIRS):
            for number in self.runs[_run_of(part)].held.get(part.path, ()):
                if start <= number < start + len(made):
                    made[number - start] = False
        return made

    def ids_in(self, run: RunRecord) -> set[str]:
        """Return the ids of messages in any column of a run's files that may go."""
        return {one for _, _, ids in self._ids(run) for one in ids if one in self.messages}

    def parts(self, run: RunRecord, *tables: Table) -> Iterator[tuple[Table, PartRecord]]:
        """Yield the files of a run that have rows and are of known tables (of `tables`, if any are given)."""
        for phase in run.phases:
            for part in phase.parts:
                table = known_tables().get(part.table)
                if part.rows and table is not None and (not tables or table in tables):
                    yield table, part

    def _look_at(self, run: RunRecord, mark: str) -> RunMemory:
        """Return the decisions about a run as far as they do not depend on other runs."""
        old = self._before.runs.get(run.run_id)
        if old is not None and old.mark != mark:
            old = None
        files = old.files if old is not None else self._spans(run)
        chosen = digest_of(self._key, self._said_of(files))
        if old is None or old.chosen != chosen or (self._has_removed and old.held):
            return RunMemory(mark, files, chosen, *self._search(run, self._matcher))
        held, touched = self._search(run, self._new)
        return RunMemory(mark, files, chosen, _joined(old.held, held), sorted({*old.touched, *touched}))

    def _spans(self, run: RunRecord) -> dict[int, Span]:
        """Return the span of each file in the rows of a run."""
        found: dict[int, Span] = {}
        for table, part in self.parts(run):
            names = [one.name for one in table.all_columns if one.name in ("file_id", "byte_offset")]
            if "file_id" not in names:
                continue
            rows = read_columns(self._layout, [part], table, names)
            if "byte_offset" not in names:
                rows = rows.append_column("byte_offset", pa.array([0] * rows.num_rows, pa.int64()))
            grouped = rows.group_by("file_id").aggregate([("byte_offset", "min"), ("byte_offset", "max")])
            for one in grouped.to_pylist():
                low, high = one["byte_offset_min"] or 0, one["byte_offset_max"] or 0
                before = found.get(one["file_id"] or 0, (low, high))
                found[one["file_id"] or 0] = (min(low, before[0]), max(high, before[1]))
        return found

    def _said_of(self, files: Mapping[int, Span]) -> Iterator[str]:
        """Yield the decision about each file of a run, and about its prompts."""
        for file_id, (low, high) in sorted(files.items()):
            if file_id in self._in_order:
                offsets = self._in_order[file_id]
                some = offsets[bisect_left(offsets, low) : bisect_right(offsets, high)]
                yield f"{file_id} {file_id in self._whole} {some}"
            elif file_id in self.files:
                yield f"{file_id}"

    def _search(self, run: RunRecord, matcher: Matcher) -> tuple[dict[str, list[int]], list[int]]:
        """Return the rows with a name, of the files that may go, by path of their part; and the files of these rows."""
        held: dict[str, list[int]] = {}
        touched: set[int] = set()
        if matcher.is_empty:
            return held, []
        for table, part in self.parts(run):
            if table in _NAMELESS:
                continue
            files = integer_column(read_columns(self._layout, [part], table, ["file_id"]), "file_id")
            wanted = [one in self.files or one in self.lines for one in files]
            if found := self._rows_with(matcher, part, table, wanted):
                held[part.path] = found
                touched |= {files[number] for number in found}
        return dict(sorted(held.items())), sorted(touched)

    def _rows_with(
        self, matcher: Matcher, part: PartRecord, table: Table, wanted: Sequence[bool], columns: Collection[str] = ()
    ) -> list[int]:
        """Return the numbers of the rows of a part that are wanted and have a name."""
        found: list[int] = []
        if not any(wanted):
            return found
        start = 0
        for batch in read_row_groups(self._layout, part, table):
            some = wanted[start : start + batch.num_rows]
            rows = batch if all(some) else batch.filter(pa.array(some, pa.bool_()))
            numbers = [number for number, is_one in enumerate(some, start) if is_one]
            found += sorted(numbers[number] for number in rows_that_hold(matcher, rows, columns))
            start += batch.num_rows
        return found

    def _staying_messages(self) -> set[str]:
        """Return the messages that occur in rows that go."""
        found: set[str] = set()
        names = ["file_id", "byte_offset", "message_id"]
        for run in self._all:
            for table, part in self.parts(run, OCCURRENCES):
                rows = read_columns(self._layout, [part], table, names)
                ids = text_column(rows, "message_id")
                found |= {one for one, goes in zip(ids, self.goes(part, table, rows, 0), strict=True) if goes}
        return found

    def _held_messages(self, staying: Set[str]) -> set[str]:
        """Return those of the messages whose texts have a name."""
        found: set[str] = set()
        for run in self._all:
            now, old = self.runs[run.run_id], self._before.runs.get(run.run_id)
            ids, wanted = dict[str, list[str]](), dict[str, list[bool]]()
            for table, part in self.parts(run, MESSAGES):
                ids[part.path] = text_column(read_columns(self._layout, [part], table, ["message_id"]), "message_id")
                wanted[part.path] = [one in staying for one in ids[part.path]]
            texts = digest_of(self._key, (bytes(one) for one in wanted.values()))
            is_known = old is not None and (old.mark, old.texts) == (now.mark, texts)
            is_known = is_known and not (self._has_removed and old is not None and old.held_texts)
            matcher = self._new if is_known else self._matcher
            held: Mapping[str, Sequence[int]] = {}
            if not matcher.is_empty:
                looked = {
                    part.path: self._rows_with(matcher, part, table, wanted[part.path], ("text",))
                    for table, part in self.parts(run, MESSAGES)
                }
                held = {path: rows for path, rows in sorted(looked.items()) if rows}
            if is_known and old is not None:
                held = _joined(old.held_texts, held)
            self.runs[run.run_id] = replace(now, texts=texts, held_texts=held)
            found |= {ids[path][number] for path, rows in held.items() for number in rows}
        return found

    def _staying_pieces(self) -> set[bytes]:
        """Return the pieces of the files whose bytes go as a whole."""
        found: set[bytes] = set()
        for run in self._all:
            for table, part in self.parts(run, PIECES):
                for batch in read_row_groups(self._layout, part, table):
                    goes = self.goes(part, table, batch, 0)
                    found |= {one for one, is_one in zip(bytes_column(batch, "digest"), goes, strict=True) if is_one}
        return found

    def _decisions(self, run: RunRecord, one: RunMemory) -> str:
        """Return a digest of everything that decides the bytes of the written files of a run."""
        touched = sorted(self.touched & one.files.keys())
        said = [one.mark, one.chosen, repr(sorted(one.held.items())), repr(touched)]
        masks = [bytes(map(self.messages.__contains__, ids)) for _, _, ids in self._ids(run)]
        for table, part in self.parts(run, STORE) if self.pieces else ():
            digests = bytes_column(read_columns(self._layout, [part], table, ["digest"]), "digest")
            masks.append(bytes(map(self.pieces.__contains__, digests)))
        return digest_of(self._key, (*said, *masks))

    def _ids(self, run: RunRecord) -> Iterator[tuple[PartRecord, str, list[str]]]:
        """Yield the columns of a run that have ids of messages: part, name, values."""
        for table, part in self.parts(run):
            names = message_columns(table)
            if names:
                rows = read_columns(self._layout, [part], table, names)
                yield from ((part, name, text_column(rows, name)) for name in names)


def message_columns(table: Table) -> list[str]:
    """Return the names of the columns that have ids of messages."""
    return [one.name for one in table.all_columns if one.name.endswith("message_id") and one.type is TEXT]


def _run_of(part: PartRecord) -> str:
    """Return the run_id in the path of a part."""
    return part.path.rpartition("/run=")[2].partition("/")[0]


def _joined(one: Mapping[str, Sequence[int]], other: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    return {path: sorted({*one.get(path, ()), *other.get(path, ())}) for path in sorted({*one, *other})}


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


def _names(matcher: Matcher) -> Iterator[tuple[str, bytes]]:
    yield from (("id", one) for one in matcher.ids)
    yield from (("text", one) for one in matcher.texts)


def _matcher_from(names: Iterator[tuple[str, bytes]]) -> Matcher:
    found = list(names)
    return Matcher(
        ids=frozenset(one for kind, one in found if kind == "id"),
        texts=frozenset(one for kind, one in found if kind == "text"),
    )


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f-]{36}", text) is not None
