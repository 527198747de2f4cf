"""What an archive remembers of its last filtered push to a lake, so that the next one writes only what has changed.

The memory has numbers of files and rows, and digests under the secret key of the lake's masks: no text, no id of a
session. It holds for one edition of the program, one level and one key alone, and a damaged one counts as none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import orjson
import pyarrow as pa

from models.errors import FixityError
from models.json import JsonObject, JsonValue
from models.run import RunRecord
from models.seal import SealError, sealed, unsealed
from pipelines.disk.atomic import make_directories, read_regular, write_atomically
from pipelines.disk.layout import Layout
from pipelines.privacy.rules import PrivacyRule
from pipelines.version import VERSION

_ROOT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = (
    "models",
    "extractors",
    "pipelines/archive",
    "pipelines/forget",
    "pipelines/lake",
    "pipelines/privacy",
    "pipelines/redact",
)
"""The packages whose code decides what is written."""

Span = tuple[int, int]
"""The lowest and the highest offset of the rows of a file, in bytes."""


@dataclass(frozen=True, slots=True)
class RunMemory:
    """The decisions about one run, and its record as it was written for the lake.

    `mark` is a digest of the commit record, `files` the span of each file_id in its rows. `chosen` is a digest of which
    of these files and prompts may go, `held` the rows that name something withheld, by path of their part, `touched`
    the files of these rows. `texts` and `held_texts` are the same for the texts of messages. `decisions` is a digest of
    everything that decides the bytes of the written files.
    """

    mark: str
    files: Mapping[int, Span]
    chosen: str
    held: Mapping[str, Sequence[int]]
    touched: Sequence[int]
    texts: str = ""
    held_texts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    decisions: str = ""
    record: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PushMemory:
    """The decisions about all runs: under which `edition`, with digests of the `needles` that were looked for.

    `inputs` is a digest of everything that the decisions were made from: with the same one nothing has changed.
    """

    edition: str
    inputs: str = ""
    needles: frozenset[str] = frozenset()
    projects: Sequence[str] = ()
    withheld_sessions: int = 0
    is_filtered: bool = True
    runs: Mapping[str, RunMemory] = field(default_factory=dict)


def read_memory(path: Path | None, edition: str) -> PushMemory:
    """Return the memory at a path; an empty one where there is none of this edition."""
    empty = PushMemory(edition)
    if path is None:
        return empty
    try:
        held = orjson.loads(unsealed(read_regular(path), ".json"))
        if held["edition"] != edition:
            return empty
        runs = {run_id: _run_of(one) for run_id, one in held.pop("runs").items()}
        return PushMemory(**{**held, "needles": frozenset(held["needles"]), "runs": runs})
    except (OSError, FixityError, SealError, ValueError, KeyError, TypeError, AttributeError):
        return empty


def _run_of(fields: dict[str, JsonValue]) -> RunMemory:
    spans = fields.pop("files")
    if not isinstance(spans, dict):
        raise TypeError("the files are an object")
    files = {int(file_id): tuple(span) for file_id, span in spans.items()}  # type: ignore[arg-type]
    return RunMemory(files=files, **fields)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names


def write_memory(path: Path, memory: PushMemory) -> None:
    """Write a memory. Raises OSError."""
    fields = {**asdict(memory), "needles": sorted(memory.needles)}
    made = orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    make_directories(path.parent)
    write_atomically(path, sealed(made, ".json"), "push-memory")


def edition_of(level: str, key: bytes) -> str:
    """Return a digest of the program's code, the libraries that it writes with, a level, and the key of the masks."""
    return digest_of(key, (_code(), VERSION, pa.__version__, level))


def inputs_of(
    layout: Layout, edition: str, rules: Sequence[PrivacyRule], runs: Iterable[tuple[str, str]], key: bytes
) -> str:
    """Return a digest of everything from which a push decides: the rules of privacy, the runs with their marks, and the
    published warehouse, which tells the sessions apart. Empty without a warehouse.
    """
    try:
        status, name = layout.warehouse.stat(), layout.warehouse.resolve().name
    except OSError:
        return ""
    warehouse = f"{name} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
    return digest_of(key, (edition, repr([one.to_json() for one in rules]), repr(list(runs)), warehouse))


def digest_of(key: bytes, texts: Iterable[str | bytes]) -> str:
    """Return a digest of texts under a key, in hex."""
    made = blake2b(key=key[:64], digest_size=16)
    for text in texts:
        data = text.encode() if isinstance(text, str) else text
        made.update(len(data).to_bytes(8, "big"))
        made.update(data)
    return made.hexdigest()


def record_of(memory: RunMemory) -> RunRecord:
    """Return the record of a run as it was written for the lake."""
    return RunRecord.from_json(memory.record)


@cache
def _code() -> str:
    paths = sorted(path for name in _CODE for path in (_ROOT / name).rglob("*.py"))
    return digest_of(b"", [part for path in paths for part in (path.name, path.read_bytes())])
