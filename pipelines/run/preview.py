"""Previews a run (`extract run --dry-run`): walks each home and compares it with its last manifests, without writing
anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from extractors.reading.registry import PHASES
from models.manifest import FileState
from pipelines.archive.archive import read_runs
from pipelines.archive.homes import HomeName
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.extraction import Request, check_homes, name_homes
from pipelines.run.inventory import InventoryItem
from pipelines.run.snapshot import Absence, Absent, Slice, Snapshot, take_snapshots


@dataclass(slots=True)
class PhasePreview:
    """Numbers of files of one phase of one home by comparison with the last manifest, and the bytes that a run would
    read.

    `bytes_new` are the bytes that no run has read: of a file that grew, those after its watermark.
    """

    home_id: str
    phase: int
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: int = 0
    withheld: int = 0
    listed: int = 0
    unreadable: int = 0
    bytes_found: int = 0
    bytes_new: int = 0
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class RunPreview:
    """The homes with their ids, and one preview per phase of each home."""

    homes: list[HomeName]
    phases: list[PhasePreview]


def preview_run(layout: Layout, request: Request) -> RunPreview:
    """Return a preview of a run at this moment. Writes nothing, and does not create the data directory. Raises
    ExtractError.
    """
    check_homes(request.homes, layout)
    homes = name_homes(request, layout)
    snapshots = take_snapshots(layout, homes, read_runs(layout), read_settings(layout), PHASES)
    return RunPreview(
        homes,
        [
            preview_phase(snapshot, phase, is_full=request.is_full)
            for snapshot in snapshots
            for phase in sorted(set(request.phases))
        ],
    )


def preview_phase(snapshot: Snapshot, phase: int, *, is_full: bool = False) -> PhasePreview:
    """Return a preview of one phase of a home."""
    made = PhasePreview(snapshot.home.home_id, phase)
    for part in snapshot.slices(phase):
        add_slice(made, part, is_full=is_full)
    return made


def add_slice(made: PhasePreview, part: Slice, *, is_full: bool = False) -> None:
    """Add the files of a slice to the preview of its phase."""
    for item in part.items:
        if item.found.kind == "file":
            _count(made, item, is_full=is_full)
    made.vanished += len(newly_vanished(part.absent))


def newly_vanished(absent: Sequence[Absent]) -> list[FileState]:
    """Return the archived files that the last manifest had as present and that are gone now; the manifest also lists
    files that were gone before.
    """
    gone = [one.state for one in absent if one.why is Absence.GONE]
    return [state for state in gone if state.entry_type == "file" and state.is_present and state.file_id is not None]


def _count(made: PhasePreview, item: InventoryItem, *, is_full: bool) -> None:
    size = item.found.stat.size
    made.bytes_found += size
    if item.found.error is not None:
        made.unreadable += 1
    elif not item.is_read:
        made.withheld += item.place.treatment == "withhold"
        made.listed += item.place.treatment == "inventory"
    elif item.is_as_last():
        made.unchanged += 1
        made.bytes_read += size if is_full else 0
    else:
        is_new = item.last is None or item.last.file_id is None
        made.new += is_new
        made.changed += not is_new
        made.bytes_read += size
        made.bytes_new += size - _read_before(item)


def _read_before(item: InventoryItem) -> int:
    """Return the number of bytes that a run need not parse again: those before the watermark of a file that grew."""
    watermark = item.task("").start
    return watermark if watermark <= item.found.stat.size else 0
