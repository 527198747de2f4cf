"""Many homes on many workers: each home is read into an archive of its own, a unit, and the units are joined by copying
their immutable files through a lake. Knows no engine: `pipelines.schedule.many_homes_flow` gives the units to workers.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from models.errors import ExitCode
from models.json import JsonObject, JsonValue
from models.observer import Observer
from pipelines.archive.totals import added, by_source
from pipelines.disk.atomic import disk_errors, write_atomically
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.platform import make_files_private
from pipelines.lake.known import init_lake
from pipelines.lake.pull import PullResult, pull
from pipelines.lake.push import push
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job

JOINT: Final = "joint"
"""The name of the joint archive in the lake."""
_LONGEST_NAME: Final = 40
_ONE_PROCESS: Final = b"# The workers of `extract flow team` share the cores of this machine.\nprocesses = 1\n"


@dataclass(frozen=True, slots=True)
class UnitDone:
    """A home that a worker has read into its unit and pushed: the run, its exit code, its files read and rows, and the
    seconds that it took.
    """

    home_id: str
    run_id: str
    exit_code: int
    files_read: int
    rows: int
    seconds: float

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        made: JsonObject = asdict(self)
        return made


@dataclass(frozen=True, slots=True)
class TeamResult:
    """The result of a flow over many homes: the units done and the homes that failed, each with its error, the findings
    of the join, and the seconds that the units took together and by the clock.
    """

    done: Sequence[UnitDone]
    failed: dict[str, str]
    exit_code: ExitCode
    seconds_of_units: float
    seconds: float

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        homes: list[JsonValue] = [one.to_json() for one in self.done]
        times: JsonObject = {"seconds_of_units": self.seconds_of_units, "seconds": self.seconds}
        return {"homes": homes, "failed": dict(self.failed), "exit_code": int(self.exit_code), **times}


def lake_of(units: Path) -> Path:
    """Return the directory of the lake that joins the units below `units`."""
    return units / "lake"


def extract_unit(home_id: str, root: Path, units: Path) -> UnitDone:
    """Read a home into its unit below `units`, and push the unit to the lake there. After a kill the same call does the
    rest. Raises ExtractError.
    """
    started = time.monotonic()
    make_files_private()
    layout = Layout(units / "homes" / home_id)
    with disk_errors():
        make_private(layout.root)
        if not layout.settings_file.exists():
            write_atomically(layout.settings_file, _ONE_PROCESS, "settings")
    result = run_job(layout, Request([(home_id, root)]), Observer())
    known, _ = init_lake(layout, str(lake_of(units)), name=home_id[:_LONGEST_NAME])
    push(layout, known, Observer())
    total = added(by_source(result.run).values())
    seconds = round(time.monotonic() - started, 3)
    return UnitDone(home_id, result.run.run_id, int(result.exit_code), total.files_read, total.rows, seconds)


def join_units(layout: Layout, units: Path) -> PullResult:
    """Bring all units below `units` into the joint archive, and build its warehouse. Raises ExtractError."""
    make_files_private()
    known, _ = init_lake(layout, str(lake_of(units)), name=JOINT)
    return pull(layout, known, Observer())
