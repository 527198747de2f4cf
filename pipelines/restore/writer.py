"""Writes files: under a temporary name, forced to the disk, read back and digested, only then put in their place."""

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
from models.manifest import FileState, Outcome
from models.observer import Observer
from pipelines.archive.store import StoreReader
from pipelines.disk.failpoints import reach
from pipelines.disk.platform import full_fsync
from pipelines.disk.tree_target import TreeTarget, forget_cached
from pipelines.restore.finding import FindingCode
from pipelines.restore.place import is_full
from pipelines.restore.plan import NameParts, PlannedPath
from pipelines.restore.tree import RestoreTree, code_of, entered

_BATCH_FILES: Final = 128
_BATCH_BYTES: Final = 64 << 20
_AT_ONCE: Final = 16
_CHUNK: Final = 1 << 20
_READ_EARLIER: Final = frozenset({Outcome.UNREADABLE, Outcome.MISSING, Outcome.EXPIRED})
"""Outcomes under which a manifest may state the size of a file that was not read, beside the digest of what was."""


@dataclass(slots=True)
class Written:
    """What came of the files: written (so many of them without bytes that were erased on request), and in a home that
    was added to, there already with the same or other bytes.
    """

    files: int = 0
    size: int = 0
    with_erased: int = 0
    same: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True)
class _Staged:
    thing: PlannedPath
    name: bytes
    descriptor: int
    size: int
    digest: bytes


class Writer:
    """Writes files into a tree by way of a staging directory on the same file system. `home` is the home that is added
    to, where there is one.
    """

    def __init__(
        self, reader: StoreReader, tree: RestoreTree, staging: TreeTarget, home: Home | None, observer: Observer
    ) -> None:
        self.written = Written()
        self._reader = reader
        self._tree = tree
        self._staging = staging
        self._home = home
        self._observer = observer
        self._batch: list[_Staged] = []
        self._count = 0

    def write(self, things: list[PlannedPath]) -> None:
        """Write every file that is not there yet. Raises OSError when there is no room; nothing is then half in its
        place.
        """
        try:
            for thing in things:
                self._observer.advances(thing.state.size)
                if self._tree.is_open(thing.parts[:-1]) and not self._is_there(thing):
                    self._stage(thing)
                if len(self._batch) >= _BATCH_FILES or sum(one.size for one in self._batch) >= _BATCH_BYTES:
                    self._flush()
            self._flush()
        finally:
            for staged in self._batch:
                os.close(staged.descriptor)

    def link(self, things: list[PlannedPath]) -> int:
        """Make links, and return how many. None is followed, whatever stands there already stays."""
        made = 0
        for thing in things:
            if not self._tree.is_open(thing.parts[:-1]):
                continue
            try:
                with entered(self._tree.root, thing.parts[:-1]) as above:
                    above.make_link(thing.parts[-1], thing.state.link_target or b"", thing.state.mtime_ns)
                made += 1
            except FileExistsError:
                self._tell_existing(thing, is_same=self._is_link(thing))
            except (OSError, NotImplementedError) as error:
                if isinstance(error, OSError) and is_full(error):
                    raise
                self._tree.refuse(FindingCode.LINK_REFUSED, thing.state, str(error))
        return made

    def _is_there(self, thing: PlannedPath) -> bool:
        """Look whether a file stands in the home that is added to, and whether it holds the same."""
        if self._home is None:
            return False
        try:
            if not self._tree.has(thing.parts):
                return False
            state = thing.state
            stat, _, digest = digest_file(self._home, b"/".join(thing.parts), state.size, deep=True)
            is_same = stat.size == state.size and digest == state.sha256
        except (OSError, SourceError):
            is_same = False  # something stands there that is no file that we may read: it stays
        self.written.same += is_same
        self.written.other += not is_same
        return True

    def _stage(self, thing: PlannedPath) -> None:
        self._count += 1
        name = b"%d" % self._count
        reach("restore:before-write")
        descriptor = self._staging.create(name)
        try:
            size, digest = self._fill(descriptor, thing.state)
        except (StoreError, ConfigurationError) as error:
            self._give_up(thing, name, descriptor, FindingCode.BYTES_LOST, str(error))
        except FixityError as error:
            self._give_up(thing, name, descriptor, FindingCode.BYTES_DAMAGED, str(error))
        except BaseException:
            os.close(descriptor)
            raise
        else:
            if not digest:
                detail = f"{size} bytes were put together; the manifest says {thing.state.size}, with another digest"
                self._give_up(thing, name, descriptor, FindingCode.DIGEST_DIFFERS, detail)
                return
            self._finish(thing, name, descriptor)
            self._batch.append(_Staged(thing, name, descriptor, size, digest))

    def _fill(self, descriptor: int, state: FileState) -> tuple[int, bytes]:
        """Write a file's bytes; return how many, and their SHA-256 if they are what the manifest says, else b"".

        What was erased on request is in neither: the manifest's SHA-256 is of the other bytes.
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
        return size, proof.digest() if is_right else b""

    def _length(self, state: FileState) -> int:
        kept = self._reader.kept_bytes(state.file_id or 0, state.run_id)
        return kept if kept is not None and state.outcome in _READ_EARLIER else state.size

    def _finish(self, thing: PlannedPath, name: bytes, descriptor: int) -> None:
        try:
            self._staging.finish_file(name, descriptor, thing.state.mode, thing.state.mtime_ns)
        except (OSError, OverflowError) as error:
            self._tree.refuse(FindingCode.TIMES_NOT_SET, thing.state, str(error))

    def _give_up(self, thing: PlannedPath, name: bytes, descriptor: int, code: FindingCode, detail: str) -> None:
        os.close(descriptor)
        self._staging.remove_file(name)
        self._tree.refuse(code, thing.state, detail)

    def _flush(self) -> None:
        """Force the batch to the disk, read it back, and put each file in its place."""
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
                detail = "what was read back is not what was written"
                self._tree.refuse(FindingCode.WRITTEN_WRONG, staged.thing.state, detail)
        reach("restore:all-in-place")

    def _place(self, staged: _Staged) -> None:
        parts = staged.thing.parts
        reach("restore:before-place")
        try:
            with entered(self._tree.root, parts[:-1]) as above:
                above.adopt(self._staging, staged.name, parts[-1])
        except FileExistsError:
            self._staging.remove_file(staged.name)
            self._tell_existing(staged.thing)
            return
        except OSError as error:
            if is_full(error):
                raise
            self._staging.remove_file(staged.name)
            self._tree.refuse(code_of(error), staged.thing.state, error.strerror or str(error))
            return
        reach("restore:after-place")
        self.written.files += 1
        self.written.size += staged.size
        self.written.with_erased += bool(staged.thing.state.erased)

    def _is_link(self, thing: PlannedPath) -> bool:
        """Whether the very link is there already."""
        try:
            with entered(self._tree.root, thing.parts[:-1]) as above:
                return above.link_target(thing.parts[-1]) == thing.state.link_target
        except OSError:
            return False

    def _tell_existing(self, thing: PlannedPath, *, is_same: bool = False) -> None:
        if self._home is not None and self._has(thing.parts):
            self.written.same += is_same
            self.written.other += not is_same
            return
        self._tree.refuse(FindingCode.NAME_COLLISION, thing.state, "it is another one's name here")

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
