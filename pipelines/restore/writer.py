"""Writes restored files: under a temporary name, flushed to the disk, read back, digested, renamed to their place."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from xxhash import xxh3_128

from extractors.home.home import Home
from extractors.home.platform import pread
from extractors.reading.extract import digest_file
from models.errors import ConfigurationError, FixityError, SourceError, StoreError
from models.finding import Kind
from models.findings import restore as codes
from models.manifest import FileState, Outcome
from models.observer import Observer
from pipelines.archive.store import StoreReader
from pipelines.disk.failpoints import reach
from pipelines.disk.platform import full_fsync
from pipelines.disk.tree_target import TreeTarget, forget_cached
from pipelines.restore.generations import NameParts
from pipelines.restore.place import is_full
from pipelines.restore.plan import PlannedPath
from pipelines.restore.tree import RestoreTree, kind_of

_BATCH_FILES: Final = 128
_BATCH_BYTES: Final = 64 << 20
_AT_ONCE: Final = 16
_CHUNK: Final = 1 << 20
_READ_EARLIER: Final = frozenset({Outcome.UNREADABLE, Outcome.MISSING, Outcome.EXPIRED})
"""Outcomes of files that the run did not read: their manifest row may have the present size with the digest of bytes
that an earlier run read, so the size comes from the store."""


@dataclass(slots=True)
class WriteCounts:
    """Counts of files: written, and of these without bytes that were erased on request (`with_erased`); with
    `--into-home` also those that existed already with the same or with other bytes. `size` is in bytes.
    """

    files: int = 0
    size: int = 0
    with_erased: int = 0
    same: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True)
class _Staged:
    item: PlannedPath
    name: bytes
    descriptor: int
    size: int
    digest: bytes


class Writer:
    """Writes files into a tree through a staging directory on the same file system, so that placing is a rename.

    `home` is the home that is restored into, None for a new tree.
    """

    def __init__(
        self, reader: StoreReader, tree: RestoreTree, staging: TreeTarget, home: Home | None, observer: Observer
    ) -> None:
        self.written = WriteCounts()
        self._reader = reader
        self._tree = tree
        self._staging = staging
        self._home = home
        self._observer = observer
        self._batch: list[_Staged] = []
        self._count = 0

    def write(self, items: list[PlannedPath]) -> None:
        """Write every file that does not exist yet. Raises OSError when the disk is full; no file is half placed."""
        try:
            for item in items:
                self._observer.advances(item.state.size)
                if self._tree.is_open(item.parts[:-1]) and not self._is_there(item):
                    self._stage(item)
                if len(self._batch) >= _BATCH_FILES or sum(one.size for one in self._batch) >= _BATCH_BYTES:
                    self._flush()
            self._flush()
        finally:
            for staged in self._batch:
                os.close(staged.descriptor)

    def link(self, items: list[PlannedPath]) -> int:
        """Make symbolic links; return how many. Existing entries are kept, and no link is followed."""
        made = 0
        for item in items:
            if not self._tree.is_open(item.parts[:-1]):
                continue
            try:
                above = self._tree.enter(item.parts[:-1])
                above.make_link(item.parts[-1], item.state.link_target or b"", item.state.mtime_ns)
                made += 1
            except FileExistsError:
                self._count_existing(item, is_same=self._is_link(item))
            except (OSError, NotImplementedError) as error:
                if isinstance(error, OSError) and is_full(error):
                    raise
                self._tree.refuse(codes.LINK_REFUSED, item.state, str(error))
        return made

    def _is_there(self, item: PlannedPath) -> bool:
        """Return whether the home has the path already, and count whether its content is the same."""
        if self._home is None:
            return False
        try:
            if not self._tree.has(item.parts):
                return False
            state = item.state
            stat, _, digest = digest_file(self._home, b"/".join(item.parts), state.size, deep=True)
            is_same = stat.size == state.size and digest == state.sha256
        except (OSError, SourceError):
            is_same = False  # an entry exists that is not a readable file: it is kept
        self.written.same += is_same
        self.written.other += not is_same
        return True

    def _stage(self, item: PlannedPath) -> None:
        self._count += 1
        name = b"%d" % self._count
        reach("restore:before-write")
        descriptor = self._staging.create(name)
        try:
            lost = self._reader.lost_spans(item.state.file_id or 0, item.state.run_id)
            size, digest = self._fill(descriptor, item.state, is_lost=bool(lost))
        except (StoreError, ConfigurationError) as error:
            self._give_up(item, name, descriptor, codes.BYTES_LOST, str(error))
        except FixityError as error:
            self._give_up(item, name, descriptor, codes.BYTES_DAMAGED, str(error))
        except BaseException:
            os.close(descriptor)
            raise
        else:
            if lost:
                detail = f"{sum(length for _, length in lost)} of {item.state.size}, from byte {lost[0][0]} on"
                if not size:
                    self._give_up(item, name, descriptor, codes.KNOWN_LOSS, detail)
                    return
                self._tree.refuse(codes.KNOWN_LOSS, item.state, detail)
            if not digest:
                detail = f"the store gave {size} bytes; the manifest has {item.state.size}, with another digest"
                self._give_up(item, name, descriptor, codes.DIGEST_DIFFERS, detail)
                return
            self._finish(item, name, descriptor)
            self._batch.append(_Staged(item, name, descriptor, size, digest))

    def _fill(self, descriptor: int, state: FileState, *, is_lost: bool) -> tuple[int, bytes]:
        """Write a file's bytes; return how many, and their SHA-256 if it is that of the manifest, else b"".

        Bytes that were erased on request are not written: forget has updated the manifest's SHA-256 accordingly. Nor
        are bytes that are known to be lost: of the others, each piece was compared with its own digest.
        """
        file_id = state.file_id or 0
        proof, fast, size = sha256(), xxh3_128(), 0
        blocks = self._reader.read_range(file_id, 0, self._length(state), state.run_id, without_erased=True)
        for block in blocks:
            _write_all(descriptor, block)
            proof.update(block)
            size += len(block)
            if state.sha256 is None:
                fast.update(block)
        is_right = proof.hexdigest() == state.sha256 if state.sha256 else fast.digest() == state.content_xxh3
        return size, proof.digest() if is_right or is_lost else b""

    def _length(self, state: FileState) -> int:
        kept = self._reader.kept_bytes(state.file_id or 0, state.run_id)
        return kept if kept is not None and state.outcome in _READ_EARLIER else state.size

    def _finish(self, item: PlannedPath, name: bytes, descriptor: int) -> None:
        try:
            self._staging.finish_file(name, descriptor, item.state.mode, item.state.mtime_ns)
        except (OSError, OverflowError) as error:
            self._tree.refuse(codes.TIMES_NOT_SET, item.state, str(error))

    def _give_up(self, item: PlannedPath, name: bytes, descriptor: int, kind: Kind, detail: str) -> None:
        os.close(descriptor)
        self._staging.remove_file(name)
        self._tree.refuse(kind, item.state, detail)

    def _flush(self) -> None:
        """Flush the batch to the disk, read it back, and rename each file to its place."""
        reach("restore:before-fsync")
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(full_fsync, [staged.descriptor for staged in self._batch]))
        reach("restore:after-fsync")
        while self._batch:
            staged = self._batch[0]
            forget_cached(staged.descriptor)
            is_right = _digest(staged) == staged.digest
            del self._batch[0]
            os.close(staged.descriptor)
            if is_right:
                self._place(staged)
            else:
                self._staging.remove_file(staged.name)
                detail = "the bytes read back differ from those written"
                self._tree.refuse(codes.WRITTEN_WRONG, staged.item.state, detail)
        reach("restore:all-in-place")

    def _place(self, staged: _Staged) -> None:
        parts = staged.item.parts
        reach("restore:before-place")
        try:
            self._tree.enter(parts[:-1]).adopt(self._staging, staged.name, parts[-1])
        except FileExistsError:
            self._staging.remove_file(staged.name)
            self._count_existing(staged.item)
            return
        except OSError as error:
            if is_full(error):
                raise
            self._staging.remove_file(staged.name)
            self._tree.refuse(kind_of(error), staged.item.state, error.strerror or str(error))
            return
        reach("restore:after-place")
        self.written.files += 1
        self.written.size += staged.size
        self.written.with_erased += bool(staged.item.state.erased)

    def _is_link(self, item: PlannedPath) -> bool:
        """Return whether the same link exists already."""
        try:
            return self._tree.enter(item.parts[:-1]).link_target(item.parts[-1]) == item.state.link_target
        except OSError:
            return False

    def _count_existing(self, item: PlannedPath, *, is_same: bool = False) -> None:
        if self._home is not None and self._has(item.parts):
            self.written.same += is_same
            self.written.other += not is_same
            return
        self._tree.refuse(codes.NAME_COLLISION, item.state, "another path has this name here")

    def _has(self, parts: NameParts) -> bool:
        try:
            return self._tree.has(parts, anew=True)
        except OSError:
            return False


def _write_all(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _digest(staged: _Staged) -> bytes:
    made = sha256()
    for chunk in _chunks(staged.descriptor):
        made.update(chunk)
    return made.digest()


def _chunks(descriptor: int) -> Iterator[bytes]:
    offset = 0
    while chunk := pread(descriptor, _CHUNK, offset):
        yield chunk
        offset += len(chunk)
