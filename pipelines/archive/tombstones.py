"""The tombstones of erasures: time, kind and amount of each, and digests by which later runs recognise the erased
content (`extractors.reading.erasure`). The digests use a secret key of the archive. They contain no content.
"""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import orjson

from extractors.reading.erasure import Needle, Tombstones
from models.errors import StoreError
from models.json import JsonObject, JsonValue
from pipelines.archive.copies import read_either, write_both
from pipelines.disk.layout import Layout

TargetKind = Literal["session", "project", "message", "text", "pattern"]
"""The kinds of targets of an erasure."""

TombstoneKind = TargetKind | Literal["retention"]
"""The kinds of erasures; `retention` is a deletion by age, after which later runs recognise nothing."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erasure: its number, counting from 1; its time (ISO 8601, UTC); counts of erased files, entries and messages;
    `size` in bytes; digests in hex.
    """

    number: int
    forgotten_at: str
    kind: TombstoneKind
    reason: str | None
    files: int
    entries: int
    messages: int
    size: int
    ids: Sequence[str] = ()
    paths: Sequence[str] = ()
    entry_digests: Sequence[str] = ()
    texts: Sequence[tuple[int, str, str]] = ()
    message_ids: Sequence[str] = ()

    def to_json(self) -> JsonObject:
        """Return the tombstone as JSON values."""
        made: JsonObject = asdict(self)
        return made

    @classmethod
    def from_json(cls, value: JsonValue) -> "Tombstone":
        """Return the tombstone that `to_json` wrote. Raises TypeError for another value."""
        if not isinstance(value, dict):
            raise TypeError("a tombstone is an object")
        return cls(**value)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names


@dataclass(slots=True)
class Graveyard:
    """All tombstones of an archive, and the key of their digests."""

    key: bytes
    tombstones: list[Tombstone] = field(default_factory=list)

    def recognised(self) -> Tombstones:
        """Return the recogniser for the content of all tombstones."""
        return Tombstones(
            self.key,
            ids=(bytes.fromhex(one) for stone in self.tombstones for one in stone.ids),
            paths=(bytes.fromhex(one) for stone in self.tombstones for one in stone.paths),
            entries=(bytes.fromhex(one) for stone in self.tombstones for one in stone.entry_digests),
            messages=(bytes.fromhex(one) for stone in self.tombstones for one in stone.message_ids),
            needles=(
                Needle(length, hint.encode(), bytes.fromhex(digest))
                for stone in self.tombstones
                for length, hint, digest in stone.texts
            ),
        )


def read_graveyard(layout: Layout) -> Graveyard | None:
    """Return the tombstones of an archive, None if nothing was ever erased. Raises FixityError if the file and its
    second copy are damaged, StoreError if the content is unknown.
    """
    try:
        held = orjson.loads(read_either(layout, layout.tombstones_file))
        if held["format"] != _FORMAT:
            raise StoreError(f"{layout.tombstones_file} has format {held['format']}; use a newer version")
        return Graveyard(bytes.fromhex(held["key"]), [Tombstone.from_json(one) for one in held["tombstones"]])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{layout.tombstones_file} cannot be read ({error}); put it back from a backup") from error


def open_graveyard(layout: Layout) -> Graveyard:
    """Return the tombstones of an archive; if there are none, an empty graveyard with a new key. Raises as
    `read_graveyard` does.
    """
    return read_graveyard(layout) or Graveyard(secrets.token_bytes(32))


def read_tombstones(layout: Layout) -> Tombstones | None:
    """Return the recogniser of all erased content, None if nothing was erased. Raises as `read_graveyard` does."""
    graveyard = read_graveyard(layout)
    return graveyard.recognised() if graveyard is not None else None


def write_graveyard(layout: Layout, graveyard: Graveyard) -> None:
    """Write tombstones.json atomically. Raises OSError."""
    fields = {
        "format": _FORMAT,
        "key": graveyard.key.hex(),
        "tombstones": [stone.to_json() for stone in graveyard.tombstones],
    }
    write_both(layout, layout.tombstones_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "tombstones")
