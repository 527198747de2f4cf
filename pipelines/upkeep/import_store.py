"""Imports an existing store of messages, so that its messages count as seen before.

The store must use the same rule for ids: the SHA-256 of the exact text in UTF-8. Its messages are written below
store/imported/ as Parquet, each file named by its own SHA-256, so that no other record is needed to check it. Importing
the same store again changes nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

import pyarrow as pa

from extractors.reading.cutting import Cut, cut_lines
from extractors.reading.erasure import Tombstones
from extractors.reading.salvage import parse_line
from models.errors import ConfigurationError
from models.json import JsonObject
from models.message import message_id
from models.observer import Observer
from models.tables import IMPORTED
from pipelines.archive.archive import Archive, writing
from pipelines.archive.evidence import listing
from pipelines.archive.parquet import open_writer
from pipelines.archive.sweep import sweep
from pipelines.archive.tombstones import read_tombstones
from pipelines.disk import platform
from pipelines.disk.atomic import disk_errors, sha256_of, sync_file
from pipelines.disk.layout import Layout, make_private
from pipelines.run.unfinished_erasure import finish_forget
from pipelines.upkeep.hash_lists import HASH, strings_of_hashes

_CHUNK: Final = 1 << 20
_LONGEST_LINE: Final = 256 << 20
_FLUSH_BYTES: Final = 24 << 20
_FLUSH_ROWS: Final = 60_000
_SHOWN_REFUSALS: Final = 20

ImportedMessage = tuple[str, str | None]
"""A message of the imported store: its message_id, and its text if the store has it."""


@dataclass(slots=True)
class Import:
    """The result of an import. `texts` counts the messages with text; `refusals` describes the first 20 of
    `refused`.
    """

    messages: int = 0
    texts: int = 0
    refused: int = 0
    refusals: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    new_files: int = 0

    def refuse(self, where: str, why: str) -> None:
        """Count an item that cannot be imported, and keep the first descriptions."""
        self.refused += 1
        if len(self.refusals) < _SHOWN_REFUSALS:
            self.refusals.append(f"{where}: {why}")


def import_store(layout: Layout, *, messages: Path | None, hashes: Path | None) -> Import:
    """Import the messages (JSON Lines with `hash`, `content` or both) and hashes (a JSON list, or an object whose keys
    or values are hashes) of another store.

    A line whose hash is not the SHA-256 of its content is refused and counted. Memory is bounded by the longest line.
    Raises ConfigurationError when a file is unreadable or has nothing to import (then nothing of it is kept),
    LockedError, DataDirectoryError.
    """
    done = Import()
    platform.make_files_private()
    with writing(layout, "import-store"):
        with disk_errors():
            Archive.open_or_make(layout)
        finish_forget(layout, Observer())
        with disk_errors():
            sweep(layout, is_partial=True)
        tombstones = read_tombstones(layout)
        for path, read in ((messages, _read_messages), (hashes, _read_hashes)):
            if path is None:
                continue
            try:
                file = path.open("rb")
            except OSError as error:
                raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
            with file:
                has_any = _write_imported(
                    layout, _not_forgotten(read(file, path.name, done), tombstones, path.name, done), done
                )
            if not has_any:
                why = done.refusals[0] if done.refusals else "it is empty"
                raise ConfigurationError(f"nothing in {path} can be imported: {why}")
    return done


def _not_forgotten(
    found: Iterator[ImportedMessage], tombstones: Tombstones | None, name: str, done: Import
) -> Iterator[ImportedMessage]:
    """Refuse messages that were erased on request; yield the others."""
    for message, text in found:
        if tombstones is not None and (
            tombstones.holds_message(message) or (text is not None and tombstones.holds(text.encode()))
        ):
            done.refuse(name, "a message that was erased on request")
        else:
            yield message, text


def _write_imported(layout: Layout, found: Iterator[ImportedMessage], done: Import) -> bool:
    """Write the messages as one Parquet file below store/imported/; return whether there was any message."""

    staged = layout.staging / f"import-{token_hex(4)}.parquet"
    schema = IMPORTED.arrow()
    rows = 0
    with disk_errors():
        make_private(layout.imported)
        try:
            with open_writer(staged, IMPORTED) as writer:
                for batch in _batches(found):
                    arrays = [pa.array(values, pa.string()) for values in zip(*batch, strict=True)]
                    writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                    rows += len(batch)
                    done.texts += sum(text is not None for _, text in batch)
            if rows:
                sync_file(staged)
                final = layout.imported_part(sha256_of(staged))
                done.messages += rows
                done.new_files += not final.exists()
                done.files.append(final)
                with listing(layout, {final: final.stem}):
                    platform.replace(staged, final)
                    platform.fsync_directory(layout.imported)
                    platform.fsync_directory(layout.store)
        finally:
            staged.unlink(missing_ok=True)
    return rows > 0


def _batches(found: Iterator[ImportedMessage]) -> Iterator[list[ImportedMessage]]:
    batch: list[ImportedMessage] = []
    size = 0
    for each in found:
        batch.append(each)
        size += len(each[1] or "") + 100
        if size >= _FLUSH_BYTES or len(batch) >= _FLUSH_ROWS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_messages(file: BinaryIO, name: str, done: Import) -> Iterator[ImportedMessage]:
    """Yield the message of each line; refuse lines without one, and lines whose hash and content disagree."""
    number = 1
    for _, line, cut in cut_lines(iter(lambda: file.read(_CHUNK), b""), 0, _LONGEST_LINE):
        where = f"{name}, line {number}"
        if cut is Cut.FRAGMENT:
            continue
        number += 1
        if cut is Cut.LAST_FRAGMENT:
            done.refuse(where, f"longer than {_LONGEST_LINE >> 20} MiB")
        elif line.strip():
            value = parse_line(line)
            if value is None:
                done.refuse(where, "not a JSON object")
            else:
                yield from _message_of(value, where, done)


def _message_of(value: JsonObject, where: str, done: Import) -> Iterator[ImportedMessage]:
    given, content = value.get("hash"), value.get("content")
    if given is None and content is None:
        done.refuse(where, "it has neither `hash` nor `content`")
    elif content is not None and not isinstance(content, str):
        done.refuse(where, "`content` is not a text")
    elif given is not None and not (isinstance(given, str) and HASH.fullmatch(given.encode(errors="replace"))):
        done.refuse(where, "`hash` is not a SHA-256 of 64 hex digits")
    elif content is None:
        yield str(given).lower(), None
    else:
        made = _message_id(content)
        if made is None:
            done.refuse(where, "`content` has a lone surrogate, which UTF-8 cannot encode")
        elif given is not None and str(given).lower() != made:
            done.refuse(where, "`hash` is not the SHA-256 of `content`")
        else:
            yield made, content


def _read_hashes(file: BinaryIO, name: str, done: Import) -> Iterator[ImportedMessage]:
    try:
        for text in strings_of_hashes(iter(lambda: file.read(_CHUNK), b"")):
            if HASH.fullmatch(text):
                yield text.decode().lower(), None
            else:
                shown = text[:40].decode(errors="replace")
                done.refuse(name, f"{shown!r} is not a SHA-256 of 64 hex digits")
    except ConfigurationError as error:
        raise ConfigurationError(f"{name} cannot be imported: {error}") from error


def _message_id(text: str) -> str | None:
    with suppress(UnicodeEncodeError):
        return message_id(text)
    return None
