"""Checks the objects that another machine has put into a lake, before any of them counts. All of them may be hostile:
every check names the problem, and an object that fails one is not used.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson
import pyarrow as pa

from models.errors import FixityError
from models.identity import is_home_id
from models.message import message_id
from models.run import PartRecord, RunRecord
from models.seal import SealError, unsealed
from models.tables import MESSAGES
from pipelines.archive.committed import known_tables
from pipelines.archive.parquet import open_parquet
from pipelines.copies.destination import Destination, PlacedEntry
from pipelines.copies.state import RUN_FILE
from pipelines.disk.atomic import make_directories, sync_file
from pipelines.disk.platform import replace
from pipelines.lake.keys import LONGEST_HEAD, MachineHead, PushedRecord, digest_of
from pipelines.lake.signing import is_signed

_MOST: Final = 1 << 40
_MOST_ROW_BYTES: Final = 1 << 30
"""Bytes that a row group may have when it is unpacked: a small file of zeros would else fill the memory."""


class Hostile(ValueError):
    """Data that a machine has put into a lake cannot be used; the text gives the reason, without content."""


def read_small(destination: Destination, key: str, entry: PlacedEntry | None) -> bytes:
    """Return the bytes of a head or a commit record. Raises Hostile where it is missing or too long, OSError."""
    if entry is None or not entry.is_file:
        raise Hostile("it is missing")
    made = bytearray()
    with suppress(FileNotFoundError):
        for block in destination.blocks(key):
            made += block
            if len(made) > LONGEST_HEAD:
                raise Hostile(f"it is longer than {LONGEST_HEAD >> 20} MiB")
        return bytes(made)
    raise Hostile("it is missing")


def head_of(raw: bytes, machine_id: str, number: int, lake_id: str) -> MachineHead:
    """Return the head of a machine, signed for a lake. Raises Hostile for anything else."""
    try:
        head = MachineHead.from_bytes(raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Hostile(_why(error)) from error
    if head.machine_id != machine_id:
        raise Hostile("it names another machine")
    if head.number != number:
        raise Hostile("it has another number than its name")
    if not is_signed(head, lake_id):
        raise Hostile("it is not signed by the key that it names" if head.signature else "it is not signed")
    return head


def record_of(raw: bytes, run_id: str, listed: PushedRecord) -> RunRecord:
    """Return the commit record of a run. Raises Hostile if it is not the one that the head lists, or has names that a
    run of that machine cannot have.
    """
    if digest_of(raw) != listed.sha256:
        raise Hostile("its bytes differ from the SHA-256 in the machine's head")
    try:
        run = RunRecord.from_json(orjson.loads(unsealed(raw, ".json")))
        _check_run(run, run_id)
    except (SealError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise error if isinstance(error, Hostile) else Hostile(_why(error)) from error
    return run


def _why(error: Exception) -> str:
    """Return the kind of an error: its text may have content of the file."""
    return str(error) if isinstance(error, SealError) else f"no machine writes such a file ({type(error).__name__})"


def _check_run(run: RunRecord, run_id: str) -> None:
    if run.run_id != run_id:
        raise Hostile("it names another run")
    if (
        str(run.kind) not in ("run", "reparse")
        or str(run.status) not in ("open", "complete")
        or run.back_to is not None
    ):
        raise Hostile("it is no run that reads or parses")
    if run.warehouse is not None or run.damage or run.texts:
        raise Hostile("it names files that no machine pushes")
    if type(run.epoch) is not int or not 0 < run.epoch < 1 << 31 or type(run.is_full) is not bool:
        raise Hostile("it has a number that is none")
    for time in (run.started_at, run.finished_at):
        if time is not None and datetime.fromisoformat(time).tzinfo is None:
            raise Hostile("it has a time without a time zone")
    if type(run.tool_version) is not str or any(not is_home_id(one) for one in run.homes):
        raise Hostile("it names an invalid home")
    seen: set[str] = set()
    for phase in run.phases:
        if not is_home_id(phase.home_id) or type(phase.phase) is not int:
            raise Hostile("it names an invalid home")
        if phase.home_id not in run.homes:
            raise Hostile("a phase is of a home that the run does not name")
        for counts in phase.sources.values():
            if any(type(getattr(counts, name)) is not int for name in type(counts).__slots__):
                raise Hostile("it has a number that is none")
        for part in phase.parts:
            _check_part(part, run_id, phase.home_id, seen)


def _check_part(part: PartRecord, run_id: str, home_id: str, seen: set[str]) -> None:
    match = RUN_FILE.fullmatch(part.path)
    base = "store" if part.table == "store" else f"tables/{part.table}"
    if match is None or match["run"] != run_id or not part.path.startswith(f"{base}/home={home_id}/run={run_id}/"):
        raise Hostile("it lists a path that is none of its own")
    if part.table not in known_tables():
        raise Hostile("it lists a table that this version does not know")
    if part.path in seen:
        raise Hostile("it lists a file twice")
    if any(type(one) is not int or not 0 <= one < _MOST for one in (part.rows, part.size)):
        raise Hostile("it has a number that is none")
    if len(str(part.sha256)) != 64:
        raise Hostile("it lists a file without a SHA-256")
    seen.add(part.path)


def fetch(destination: Destination, key: str, part: PartRecord, target: Path) -> None:
    """Bring a file, and put it at `target` after its size, its SHA-256, its columns and its rows were compared. Raises
    Hostile, having left nothing; OSError.
    """
    make_directories(target.parent)
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        _bring(destination, key, part, temporary)
        check_content(part, temporary)
        sync_file(temporary)
        replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _bring(destination: Destination, key: str, part: PartRecord, target: Path) -> None:
    digest, size = sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        try:
            for block in destination.blocks(key):
                size += len(block)
                if size > part.size:
                    raise Hostile("it is longer than its record says")
                digest.update(block)
                file.write(block)
        except FileNotFoundError as error:
            raise Hostile("it is missing") from error
    if size != part.size:
        raise Hostile("it is shorter than its record says")
    if digest.hexdigest() != part.sha256:
        raise Hostile("it has another SHA-256 than its record says")


def check_content(part: PartRecord, path: Path) -> None:
    """Raise Hostile unless a file is Parquet with columns of its table, as many rows as its record says, and, if it has
    messages, ids that are the digests of their texts.
    """
    table = known_tables()[part.table]
    wanted = {field.name: field.type for field in table.arrow()}
    try:
        with open_parquet(path) as file:
            found = {field.name: field.type for field in file.schema_arrow}
            if any(wanted.get(name) != kind for name, kind in found.items()):
                raise Hostile("it has columns that its table does not have")
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
            if any(group.total_byte_size > _MOST_ROW_BYTES for group in groups):
                raise Hostile("a row group is too large")
            if file.metadata.num_rows != part.rows:
                raise Hostile("it has another number of rows than its record says")
            if table is MESSAGES and any(_disagree(rows) for rows in file.iter_batches(columns=["message_id", "text"])):
                raise Hostile("the id of a message is not the SHA-256 of its text")
    except (OSError, pa.ArrowException, FixityError, UnicodeDecodeError) as error:
        raise Hostile("it is no Parquet file that can be read") from error


def _disagree(rows: pa.RecordBatch) -> Iterator[str] | bool:
    ids, texts = rows.column("message_id").to_pylist(), rows.column("text").to_pylist()
    return any(text is None or message_id(text) != one for one, text in zip(ids, texts, strict=True))
