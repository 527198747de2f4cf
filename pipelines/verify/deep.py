"""The deep checks: reassembles every file from the store, in every generation and as of every run that read it, and
compares it with the SHA-256 of its manifest; digests every piece and every message text again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import pyarrow as pa
from xxhash import xxh3_128

from models.errors import ExtractError
from models.findings import deep as codes
from models.findings import parts as part_codes
from models.run import PartRecord, RunRecord
from models.tables import MESSAGES, STORE
from pipelines.archive.parquet import open_parquet
from pipelines.archive.store import StoreReader
from pipelines.verify.context import Context
from pipelines.verify.subset import Subset
from pipelines.verify.tables import Tables


@dataclass(frozen=True, slots=True)
class _Reading:
    """One run's reading of a file, and the SHA-256 of the whole file in that run's manifest."""

    run_id: str
    start: int
    watermark: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _File:
    """A generation of a file with its readings, oldest first."""

    file_id: int
    address: str
    readings: Sequence[_Reading]


_READINGS: Final = """
    SELECT r.file_id, coalesce(n.address, concat('file ', r.file_id)), list({'run': chain.run, 'start': from_offset,
        'watermark': r.watermark, 'size': r.size, 'sha256': m.sha256} ORDER BY chain.epoch),
        min(chain.g) AS first, min(p.part) AS part
    FROM every_read r JOIN chain USING (g) JOIN manifest m ON m.g = r.g AND m.file_id = r.file_id
    LEFT JOIN named n ON n.file_id = r.file_id
    LEFT JOIN (SELECT g, file_id, min(part) AS part FROM piece GROUP BY ALL) p ON p.g = r.g AND p.file_id = r.file_id
    WHERE m.sha256 IS NOT NULL AND m.entry_type = 'file'
    GROUP BY ALL ORDER BY first, part, r.file_id
"""


def check_files(context: Context, tables: Tables, subset: Subset) -> None:
    """Reassemble the files of the runs in effect, then files that only undone runs had read. Does nothing without the
    seed of the store.
    """
    files = _all_files(context, tables)
    last = [max(reading.run_id for reading in file.readings) for _, file in files]
    chosen = [files[number] for number in subset.of([str(file.file_id) for _, file in files], last)]
    if not subset.is_all and subset.slots is None and subset.since is None:
        found = codes.SUBSET.at(
            "store", percent=f"{subset.percent:g}", seed=subset.seed, count=len(chosen), total=len(files)
        )
        context.findings.append(found)
    if context.seed is None:
        return
    total = sum(reading.size - reading.start for _, file in chosen for reading in file.readings)
    context.observer.step_begins("files", total)
    for number, chain in enumerate(context.chains):
        reader = StoreReader(context.layout, [_trusted(context, run) for run in chain], context.seed)
        for of_chain, file in chosen:
            if of_chain == number:
                _check_file(context, reader, file)
    context.findings.append(codes.PUT_TOGETHER.at("store", count=len(chosen), bytes=total))


def _all_files(context: Context, tables: Tables) -> list[tuple[int, _File]]:
    """Return the files to reassemble with the number of their branch, so that each run's readings are in at least
    one.
    """
    found: list[tuple[int, _File]] = []
    covered: set[str] = set()
    for number, chain in enumerate(context.chains):
        tables.choose(chain)
        for file in _files(tables):
            if any(reading.run_id not in covered for reading in file.readings):
                found.append((number, file))
        covered |= {run.run_id for run in chain}
    return found


def _files(tables: Tables) -> Iterator[_File]:
    for file_id, address, readings, *_ in tables.connection.execute(_READINGS).fetchall():
        made = [_Reading(one["run"], one["start"], one["watermark"], one["size"], one["sha256"]) for one in readings]
        yield _File(file_id, address, made)


def _trusted(context: Context, run: RunRecord) -> RunRecord:
    """Return a run's record without the parts that must not be opened."""
    phases = [replace(phase, parts=[part for part in phase.parts if context.is_usable(part)]) for phase in run.phases]
    return replace(run, phases=phases)


def _check_file(context: Context, reader: StoreReader, file: _File) -> None:
    """Digest a file as of each run that read it. The bytes up to a watermark are digested once for all runs; bytes
    erased on request are skipped.
    """
    consumed = sha256()
    for reading in file.readings:
        if reader.lost_spans(file.file_id, reading.run_id):
            return  # L101 names it; each piece that is left was compared with its digest
        if reading.start == 0:
            consumed = sha256()  # the bytes of a damaged part were read again from the first byte
        try:
            for block in reader.read_range(
                file.file_id, reading.start, reading.watermark - reading.start, reading.run_id, without_erased=True
            ):
                consumed.update(block)
                context.observer.advances(len(block))
            whole = consumed.copy()
            for block in reader.read_range(
                file.file_id, reading.watermark, reading.size - reading.watermark, reading.run_id, without_erased=True
            ):
                whole.update(block)
                context.observer.advances(len(block))
        except ExtractError as error:
            problem = str(error).removesuffix("; see `extract verify`")
            context.findings.append(codes.FILE_LOST.at(file.address, run=reading.run_id, problem=problem))
            return
        if whole.hexdigest() != reading.sha256:
            context.findings.append(codes.FILE_DIFFERS.at(file.address, run=reading.run_id))
            return


def check_pieces(context: Context, subset: Subset) -> None:
    """Digest every piece of the store again, one row group at a time."""
    if context.seed is None:
        return
    stored = [
        (run.run_id, part) for run, _, part in context.parts() if part.table == STORE.name and context.is_usable(part)
    ]
    run_ids, parts = [run_id for run_id, _ in stored], [part for _, part in stored]
    context.observer.step_begins("pieces", sum(part.size for part in parts))
    for number in subset.of([part.path for part in parts], run_ids):
        part = parts[number]
        try:
            _check_part(context, part, context.seed)
        except (OSError, pa.ArrowException) as error:
            context.distrusted.add(part.path)
            problem = str(error).split("\n", 1)[0]
            context.findings.append(part_codes.UNREADABLE_ROWS.at(part.path, table=part.table, problem=problem))
        context.observer.advances(part.size)


def _check_part(context: Context, part: PartRecord, seed: int) -> None:
    broken: list[str] = []
    longer: list[str] = []
    with open_parquet(context.layout.root / part.path) as file:
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group, columns=["digest", "piece_bytes", "content"], use_threads=False)
            columns = (table.column(name).to_pylist() for name in ("digest", "piece_bytes", "content"))
            for digest, length, content in zip(*columns, strict=True):
                if xxh3_128(content or b"", seed=seed).digest() != digest:
                    broken.append((digest or b"").hex())
                elif len(content) != length:
                    longer.append(digest.hex())
    for kind, digests in ((codes.PIECE_BROKEN, broken), (codes.PIECE_BYTES, longer)):
        if digests:
            context.findings.append(kind.at(part.path, count=len(digests), digest=digests[0]))


def check_texts(context: Context, tables: Tables) -> None:
    """Compare the SHA-256 and the length of every message text with its `message_id` and `text_bytes`."""
    paths = {
        str(context.layout.root / part.path): part.path
        for _, _, part in context.parts()
        if part.table == MESSAGES.name and context.is_usable(part)
    }
    if not paths:
        return
    context.observer.step_begins("texts")
    for kind, wrong in (
        (codes.TEXT_BROKEN, "sha256(text) <> message_id"),
        (codes.TEXT_BYTES, "strlen(text) <> text_bytes"),
    ):
        rows = tables.connection.execute(
            "SELECT path, count(*), min(message_id) FROM read_parquet(?, hive_partitioning = false, "
            f"filename = 'path') WHERE {wrong} GROUP BY path ORDER BY path",
            [list(paths)],
        ).fetchall()
        for path, count, message in rows:
            context.findings.append(kind.at(paths[path], count=count, message=message))
