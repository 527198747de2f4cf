"""forget.json: the journal of an erasure, written atomically after all new files are on the disk.

From then on its commit records replace those in runs/ (`pipelines.archive.archive.read_all_runs`), so the erasure takes
effect in one step; the next writer finishes the remaining work. It contains nothing of the erased content.
"""

from dataclasses import dataclass, field

import orjson

from models.errors import StoreError
from models.json import JsonObject
from models.run import RunRecord
from pipelines.archive.tombstones import Tombstone
from pipelines.disk.atomic import read_sealed, write_sealed
from pipelines.disk.layout import Layout

POINT = "forget"


@dataclass(slots=True)
class Journal:
    """The work of an erasure: new commit records by run_id; the tombstone, and the key of its digests in hex; the runs
    whose reports must be rewritten; imported files to delete (`imported_gone`) and staged ones to add (`imported_new`);
    other files below the data directory to delete.
    """

    key: str
    tombstone: Tombstone
    records: dict[str, RunRecord] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    imported_gone: list[str] = field(default_factory=list)
    imported_new: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Return the content of the file, without its seal."""
        fields: JsonObject = {
            "key": self.key,
            "tombstone": self.tombstone.to_json(),
            "records": {run_id: record.to_json() for run_id, record in self.records.items()},
            "reports": list(self.reports),
            "imported_gone": list(self.imported_gone),
            "imported_new": list(self.imported_new),
            "deleted": list(self.deleted),
        }
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Journal":
        """Return the journal that `to_bytes` wrote. Raises ValueError, KeyError or TypeError for other bytes."""
        held = orjson.loads(data)
        return cls(
            key=held["key"],
            tombstone=Tombstone.from_json(held["tombstone"]),
            records={run_id: RunRecord.from_json(record) for run_id, record in held["records"].items()},
            reports=held["reports"],
            imported_gone=held["imported_gone"],
            imported_new=held["imported_new"],
            deleted=held["deleted"],
        )

    def write(self, layout: Layout) -> None:
        """Write the journal: the erasure takes effect. Raises OSError."""
        write_sealed(layout.forget_file, self.to_bytes(), POINT)


def read_journal(layout: Layout) -> Journal | None:
    """Return the journal of an unfinished erasure; None if there is none. Raises FixityError when it is damaged,
    StoreError when its content is unknown.
    """
    try:
        return Journal.from_bytes(read_sealed(layout.forget_file))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{layout.forget_file} cannot be read ({error}); put it back from a backup") from error
