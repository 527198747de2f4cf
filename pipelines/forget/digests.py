"""Computes the digests of a file in the manifest again, after spans of it were erased.

The new SHA-256 is of the remaining bytes, so a restored file can be checked against it. The new XXH3-128 is of the
whole file with an HMAC of each erased span in its place, so the next run can compare it with the file in the home,
which still contains the span.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from xxhash import xxh3_128

from extractors.reading.erasure import Span, Tombstones
from models.erased import Erased
from models.manifest import FileState, erased_json
from models.run import RunRecord, in_effect
from models.tables import EXTRACTIONS
from pipelines.archive.committed import PhaseKey, parts_of, phases_of
from pipelines.archive.parquet import integer_column, read_columns
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.forget.find import FoundForErasure


@dataclass(frozen=True, slots=True)
class _Reading:
    epoch: int
    where: PhaseKey
    start: int
    watermark: int
    size: int


@dataclass(frozen=True, slots=True)
class _Digests:
    sha256: str
    content_xxh3: bytes
    prefix_xxh3: bytes
    erased: tuple[Erased, ...]


class Redigester:
    """Computes the new digests, once for each reading of a file. `runs` are all runs, as before the erasure."""

    def __init__(
        self, layout: Layout, runs: Sequence[RunRecord], seed: int, found: FoundForErasure, tombstones: Tombstones
    ) -> None:
        self._layout = layout
        self._runs = runs
        self._seed = seed
        self._found = found
        self._tombstones = tombstones
        self._lines = {run.run_id: in_effect(runs, run.run_id) for run in runs}
        self._readers: dict[str, StoreReader] = {}
        self._computed: dict[tuple[PhaseKey, int], _Digests] = {}
        self._files = {file_id for files in found.entries.values() for file_id in files}
        self._readings = self._all_readings()

    def redigest(self, state: FileState) -> bool:
        """Set the digests and erased spans of a manifest row; return whether any span of its file is erased."""
        if state.file_id not in self._files or state.sha256 is None:
            return False
        readings = self._readings_of(state)
        if not any(self._spans(state.file_id, reading) for reading in readings):
            return False
        made = self._digests(state, readings)
        state.sha256, state.content_xxh3, state.prefix_xxh3 = made.sha256, made.content_xxh3, made.prefix_xxh3
        state.erased_spans = erased_json(made.erased)
        return True

    def _all_readings(self) -> dict[int, list[_Reading]]:
        names = ["file_id", "from_offset", "watermark", "size"]
        epochs = {run.run_id: run.epoch for run in self._runs}
        made: dict[int, list[_Reading]] = {}
        for where, phase in phases_of(self._runs):
            rows = read_columns(self._layout, parts_of(phase, EXTRACTIONS), EXTRACTIONS, [*names, "is_void"])
            columns = (integer_column(rows, name) for name in names)
            for file_id, start, watermark, size, is_void in zip(*columns, rows["is_void"].to_pylist(), strict=True):
                if file_id in self._files and not is_void:
                    made.setdefault(file_id, []).append(_Reading(epochs[where[0]], where, start, watermark, size))
        return made

    def _readings_of(self, state: FileState) -> list[_Reading]:
        """Return the readings that make up a row's file, the newest last, each cut where the next one begins."""
        line = {run.run_id for run in self._lines[state.run_id]}
        found: list[_Reading] = []
        for reading in sorted(self._readings.get(state.file_id or 0, []), key=lambda one: one.epoch):
            if reading.where[0] not in line:
                continue
            while found and found[-1].start >= reading.start:
                found.pop()
            if found:
                last = found[-1]
                found[-1] = _Reading(last.epoch, last.where, last.start, last.watermark, min(last.size, reading.start))
            found.append(reading)
        return found

    def _spans(self, file_id: int, reading: _Reading) -> list[Span]:
        spans = self._found.entries.get(reading.where, {}).get(file_id, set())
        return sorted(span for span in spans if reading.start <= span[0] < reading.size)

    def _digests(self, state: FileState, readings: Sequence[_Reading]) -> _Digests:
        last = readings[-1]
        file_id = state.file_id or 0
        if (last.where, file_id) not in self._computed:
            new = [span for reading in readings for span in self._spans(file_id, reading)]
            blocks = self._reader(last.where[0]).blocks(file_id, last.where[0])
            self._computed[last.where, file_id] = _digest(blocks, new, state.erased, last.watermark, self._tombstones)
        return self._computed[last.where, file_id]

    def _reader(self, run_id: str) -> StoreReader:
        """Return a reader for the runs in effect at `run_id`; the newest run's reader serves most of them."""
        newest = self._lines[self._runs[-1].run_id]
        tip = newest[-1].run_id if any(run.run_id == run_id for run in newest) else run_id
        if tip not in self._readers:
            self._readers[tip] = StoreReader(self._layout, self._lines[tip], self._seed)
        return self._readers[tip]


def _digest(
    blocks: Iterator[tuple[int, bytes | None]],
    new: Sequence[Span],
    before: Sequence[Erased],
    watermark: int,
    tombstones: Tombstones,
) -> _Digests:
    """Digest a file without the spans erased now (`new`) and by earlier erasures (`before`)."""
    sha, xxh = sha256(), xxh3_128()
    seals = {one.offset + one.length: one for one in before}
    starts = [start for start, _ in new]
    erased: list[Erased] = []
    prefix: bytes | None = None
    sealer, at = tombstones.sealer(), 0
    for length, block in blocks:
        done = 0
        while done < length:
            if prefix is None and at >= watermark:
                prefix = xxh.digest()
            number = bisect_right(starts, at) - 1
            span = new[number] if number >= 0 and at < sum(new[number]) else None
            stops = [at + length - done, watermark if at < watermark else at + length, *starts[number + 1 : number + 2]]
            end = min([*stops, sum(span)] if span else stops)
            if block is not None:
                part = block[done : done + end - at]
                if span:
                    sealer.update(part)
                else:
                    sha.update(part)
                    xxh.update(part)
            done, at = done + end - at, end
            if span and at == sum(span):
                erased.append(Erased(*span, sealer.digest()))
                xxh.update(erased[-1].seal)
                sealer = tombstones.sealer()
            elif block is None and at in seals:
                erased.append(seals[at])
                xxh.update(seals[at].seal)
    content = xxh.digest()
    return _Digests(sha.hexdigest(), content, content if prefix is None else prefix, tuple(erased))
