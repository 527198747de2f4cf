"""forget.json: what an erasure comes to, written in one step once all that takes the place of the old is on the disk.

From then on the records in it count instead of those in runs/ (`archive.read_all_runs`), so that all of it happens at
once, and whoever writes next finishes what is left. It holds nothing of the erased content.
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
    """What is to be done: new commit records, by run; the tombstone, under the key of the graveyard; runs whose reports
    are to be made anew; imported files that go, and those, staged, that come; other files below data/ that go.
    """

    key: str
    tombstone: Tombstone
    records: dict[str, RunRecord] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    imported_gone: list[str] = field(default_factory=list)
    imported_new: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def write(self, layout: Layout) -> None:
        """Let it happen."""
        fields: JsonObject = {
            "key": self.key,
            "tombstone": self.tombstone.to_json(),
            "records": {run_id: record.to_json() for run_id, record in self.records.items()},
            "reports": list(self.reports),
            "imported_gone": list(self.imported_gone),
            "imported_new": list(self.imported_new),
            "deleted": list(self.deleted),
        }
        write_sealed(layout.forget_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), POINT)


def read_journal(layout: Layout) -> Journal | None:
    """Return what is still to be done; None when nothing is. Raises FixityError when it is not what was written,
    StoreError when it cannot be understood.
    """
    try:
        held = orjson.loads(read_sealed(layout.forget_file))
        return Journal(
            key=held["key"],
            tombstone=Tombstone.from_json(held["tombstone"]),
            records={run_id: RunRecord.from_json(record) for run_id, record in held["records"].items()},
            reports=held["reports"],
            imported_gone=held["imported_gone"],
            imported_new=held["imported_new"],
            deleted=held["deleted"],
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{layout.forget_file} cannot be read ({error}); put it back from a backup") from error
