"""The objects of a lake and their names.

Each machine writes below machines/<its id>/ alone, so no two ever write the same key::

    lake.json                                   what the lake is for; written once
    machines/<id>/head-<number>.json            the newest says which commit records count
    machines/<id>/tombstones/<number>.json      that something was erased; travels first
    machines/<id>/runs/<run_id>/run-<number>.json   a commit record; a changed one gets the next number
    machines/<id>/store|tables/…/*.parquet      the files that the records list, as below a data directory

Every key is written once and never changed. A head is written last: a file that no head lists does not count.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Final

import orjson

from models.errors import StoreError
from models.json import JsonObject, JsonValue
from models.run import RUN_ID
from models.seal import sealed, unsealed
from pipelines.archive.machines import MACHINE_ID, is_machine_name

FORMAT: Final = 1
LAKE_FILE: Final = "lake.json"
LEVELS: Final = ("private", "team", "public")
"""Whom a lake is for, the fewest first: the user's own machines, colleagues, everybody."""
LONGEST_HEAD: Final = 64 << 20
"""Bytes of the longest head or commit record that is read from a lake."""
_OF_MACHINE: Final = re.compile(r"machines/(?P<machine>[0-9a-f]{16})/(?P<rest>.+)")
_HEAD: Final = re.compile(r"head-(?P<number>[0-9]{8})\.json")
_RECORD: Final = re.compile(rf"runs/(?P<run>{RUN_ID})/run-(?P<number>[0-9]{{6}})\.json")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Lake:
    """The content of lake.json: the lake's id (16 hex digits), whom it is for, when it was made (ISO 8601, UTC)."""

    lake_id: str
    level: str
    made_at: str

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        return sealed_object({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Lake":
        """Return the lake that `to_bytes` wrote. Raises ValueError or TypeError for other bytes, StoreError for a newer
        format.
        """
        made = cls(**_fields(raw))  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names
        if MACHINE_ID.fullmatch(made.lake_id) is None or made.level not in LEVELS:
            raise ValueError("it names no lake")
        return made


@dataclass(frozen=True, slots=True)
class PushedRecord:
    """A commit record in a lake: its number, and the SHA-256 of the file."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MachineHead:
    """A machine's statement of itself: the registry of a lake is the newest head of each machine.

    `records` are the commit records that count, by run_id. `archive` is a digest of the archive's id. `homes` are the
    names of homes by home_id, `projects` the projects that were pushed, `erasures` counts the machine's erasures.
    `signer` is the machine's public key, `signature` its signature (`pipelines.lake.signing`), both in hex.
    """

    machine_id: str
    name: str
    archive: str
    number: int
    pushed_at: str
    level: str
    tool_version: str
    records: Mapping[str, PushedRecord]
    homes: Mapping[str, str] = field(default_factory=dict)
    projects: Sequence[str] = ()
    erasures: int = 0
    files: int = 0
    size: int = 0
    signer: str = ""
    signature: str = ""

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        return sealed_object({"format": FORMAT, **asdict(self), "projects": list(self.projects)})

    def signed_bytes(self, lake_id: str) -> bytes:
        """Return the bytes that the signature is for: all fields but itself, and the lake, so that a head of one lake
        says nothing in another.
        """
        fields = {**asdict(self), "projects": list(self.projects), "signature": ""}
        return b"lake head " + orjson.dumps([lake_id, fields], option=orjson.OPT_SORT_KEYS)

    def to_json(self) -> JsonObject:
        """Return the fields of interest to a person as JSON values."""
        return {
            "machine_id": self.machine_id,
            "name": self.name,
            "pushed_at": self.pushed_at,
            "runs": len(self.records),
            "homes": dict(self.homes),
            "projects": list(self.projects),
            "erasures": self.erasures,
            "files": self.files,
            "bytes": self.size,
        }

    def says_the_same(self, other: "MachineHead") -> bool:
        """Whether both are equal except for number, time and signature."""
        without = {"number": 0, "pushed_at": "", "signature": ""}
        return asdict(self) | without == asdict(other) | without

    @classmethod
    def from_bytes(cls, raw: bytes) -> "MachineHead":
        """Return the head that `to_bytes` wrote. Raises ValueError, KeyError or TypeError for other bytes, StoreError
        for a newer format.
        """
        fields = _fields(raw)
        records, projects, homes = fields.pop("records"), fields.pop("projects"), fields.pop("homes")
        if not isinstance(records, dict) or not isinstance(projects, list) or not isinstance(homes, dict):
            raise TypeError("records and homes are objects, projects is a list")
        made = cls(
            records={run_id: PushedRecord(**one) for run_id, one in records.items()},  # type: ignore[arg-type]
            projects=tuple(map(str, projects)),
            homes={home_id: str(name) for home_id, name in homes.items()},
            **fields,  # type: ignore[arg-type]
        )
        made.check()
        return made

    def check(self) -> None:
        """Raise ValueError for values that no machine writes."""
        numbers = (self.number, self.erasures, self.files, self.size, *(one.number for one in self.records.values()))
        if any(type(one) is not int or one < 0 for one in numbers):
            raise ValueError("a number is none")
        texts = (self.archive, self.pushed_at, self.level, self.tool_version, self.signer, self.signature)
        if any(not isinstance(one, str) for one in texts):
            raise ValueError("a text is none")
        if MACHINE_ID.fullmatch(str(self.machine_id)) is None or not is_machine_name(str(self.name)):
            raise ValueError("it names no machine")
        for run_id, one in self.records.items():
            if _RECORD.fullmatch(record_path(run_id, one.number)) is None or not _DIGEST.fullmatch(str(one.sha256)):
                raise ValueError("it lists an invalid commit record")


def prefix_of(machine_id: str) -> str:
    """Return the prefix of the keys of a machine."""
    return f"machines/{machine_id}/"


def head_path(number: int) -> str:
    """Return the path of a head below the prefix of its machine."""
    return f"head-{number:08d}.json"


def record_path(run_id: str, number: int) -> str:
    """Return the path of a commit record below the prefix of its machine."""
    return f"runs/{run_id}/run-{number:06d}.json"


def tombstone_path(number: int) -> str:
    """Return the path of a tombstone below the prefix of its machine."""
    return f"tombstones/{number:06d}.json"


def split_key(key: str) -> tuple[str, str] | None:
    """Return the machine_id of a key and the path below the machine's prefix; None for a key of no machine."""
    match = _OF_MACHINE.fullmatch(key)
    return (match["machine"], match["rest"]) if match else None


def newest_head(paths: Sequence[str]) -> int:
    """Return the highest number of the heads among paths below the prefix of a machine, 0 if there is none."""
    return max((int(match["number"]) for path in paths if (match := _HEAD.fullmatch(path))), default=0)


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return sha256(data).hexdigest()


def sealed_object(fields: JsonObject) -> bytes:
    """Return an object as JSON that ends with its SHA-256."""
    return sealed(orjson.dumps(fields, option=orjson.OPT_INDENT_2), ".json")


def _fields(raw: bytes) -> dict[str, JsonValue]:
    """Return the fields of a sealed file. Raises ValueError, StoreError for a newer format."""
    fields = orjson.loads(unsealed(raw, ".json"))
    if not isinstance(fields, dict):
        raise TypeError("it is not an object")
    known = fields.pop("format", None)
    if known != FORMAT:
        raise StoreError(f"the lake has format {str(known)[:20]}, this version knows {FORMAT}: use a newer version")
    return fields
