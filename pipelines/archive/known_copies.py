"""The copies of the archive at other places, as destinations/ of the data directory lists them: one file for each, with
its place, the state after its last sync, and the findings of its last verification.

`head` chains the two: it is the SHA-256 of the file `copy.json` that the last sync wrote at the place, which names the
newest run of the copy. So neither an older state of the copy nor a loss of the archive's newest runs goes unnoticed.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import orjson

from models.errors import FixityError, StoreError
from models.json import JsonObject, JsonValue
from pipelines.archive.copies import read_either, write_both
from pipelines.disk.atomic import make_directories, sync_directories
from pipelines.disk.layout import Layout
from pipelines.disk.platform import fsync_directory


@dataclass(frozen=True, slots=True)
class KnownCopy:
    """One copy: its place as the user gave it, made absolute. Times are ISO 8601 in UTC, sizes in bytes.

    `synced_at` is the end of its last complete sync, `tried_at` that of the last one; `problem` is why that one was not
    complete. `epoch` and `run_id` name the newest run of the copy, `erasures` the number of erasures that it has
    carried out. `verified_at` is when all of it was last digested, `findings` the number of errors and warnings that
    this gave, `damaged` the paths of files that the next sync has to look at. `key_file` is the path of the key of an
    encrypted copy.
    """

    place: str
    added_at: str
    synced_at: str | None = None
    tried_at: str | None = None
    problem: str | None = None
    epoch: int = 0
    run_id: str | None = None
    erasures: int = 0
    head: str | None = None
    files: int = 0
    size: int = 0
    verified_at: str | None = None
    findings: int = 0
    damaged: Sequence[str] = ()
    key_file: str | None = None

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        made: JsonObject = asdict(self) | {"damaged": list(self.damaged)}
        return made

    @classmethod
    def from_json(cls, value: JsonValue) -> "KnownCopy":
        """Return the copy that `to_json` wrote. Raises TypeError for another value."""
        if not isinstance(value, dict):
            raise TypeError("a copy is an object")
        return cls(**value)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names


def key_of(place: str) -> str:
    """Return the name under which destinations/ lists a place."""
    return sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read_known_copies(layout: Layout) -> list[KnownCopy]:
    """Return the copies that an archive knows, sorted by place. A file that is damaged is read from its second copy.
    Raises FixityError when both are damaged, StoreError for unknown content.
    """
    found = []
    for name in sorted({path.name for path in layout.destination_files()}):
        path = layout.destinations / name
        try:
            found.append(KnownCopy.from_json(orjson.loads(read_either(layout, path))))
        except FileNotFoundError:
            continue  # removed meanwhile
        except FixityError as error:
            raise FixityError(f"{error}; delete it and its second copy, then `extract copy add` the place") from error
        except (ValueError, TypeError) as error:
            raise StoreError(f"{path} cannot be read ({error}): use a newer version") from error
    return sorted(found, key=lambda one: one.place)


def keep_known_copy(layout: Layout, known: KnownCopy) -> None:
    """Write the archive's record of a copy, and its second copy. Raises OSError."""
    path = layout.destination_file(key_of(known.place))
    sync_directories(make_directories(path.parent))
    write_both(layout, path, orjson.dumps(known.to_json(), option=orjson.OPT_INDENT_2), "destination")


def drop_known_copy(layout: Layout, place: str) -> None:
    """Delete the archive's record of a copy. Raises OSError."""
    path = layout.destination_file(key_of(place))
    for one in (path, layout.copy_of(path)):
        one.unlink(missing_ok=True)
        if one.parent.is_dir():
            fsync_directory(one.parent)
