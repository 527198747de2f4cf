"""The registry of a lake, which is the newest head of each machine; and the withdrawal of a machine."""

from dataclasses import replace

from pipelines.archive.audit import note_access
from pipelines.archive.machines import machine_key, make_machine
from pipelines.copies.destination import CopyContent
from pipelines.copies.places import now
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.lake.incoming import Hostile, head_of, read_small
from pipelines.lake.keys import MachineHead, head_path, newest_head, prefix_of, split_key
from pipelines.lake.known import KnownLake, lake_errors, open_lake, using_lakes
from pipelines.lake.signing import signed


def registry(known: KnownLake) -> list[MachineHead]:
    """Return the newest head of each machine of a lake, by name; one that cannot be used is left out, and a pull names
    it. Raises as `open_lake` does.
    """
    destination = open_lake(known)
    found = []
    with lake_errors(known.place):
        entries = destination.entries()
        paths: dict[str, list[str]] = {}
        for key in entries:
            if (split := split_key(key)) is not None:
                paths.setdefault(split[0], []).append(split[1])
        for machine_id, some in paths.items():
            number = newest_head(some)
            key = prefix_of(machine_id) + head_path(number)
            try:
                raw = read_small(destination, key, entries.get(key))
                found.append(head_of(raw, machine_id, number, known.lake_id))
            except Hostile:
                continue
    return sorted(found, key=lambda one: (one.name, one.machine_id))


def withdraw(layout: Layout, known: KnownLake) -> int:
    """Delete from a lake all that this machine has pushed, after a last head that lists nothing; return the number of
    deleted files. Raises as `open_lake` does.
    """
    removed = 0
    with using_lakes(layout):
        with disk_errors():
            machine = make_machine(layout)
        prefix = prefix_of(machine.machine_id)
        own = [head for head in registry(known) if head.machine_id == machine.machine_id]
        destination = open_lake(known)
        with lake_errors(known.place):
            keep = ""
            for head in own:
                last = replace(
                    head, number=head.number + 1, pushed_at=now(), records={}, homes={}, projects=(), files=0, size=0
                )
                keep = prefix + head_path(last.number)
                destination.put(keep, CopyContent.of(signed(last, machine_key(layout), known.lake_id).to_bytes()))
                destination.settle()
            for key in sorted(destination.entries()):
                if key.startswith(prefix) and key != keep and not key.startswith(f"{prefix}tombstones/"):
                    destination.remove(key)
                    removed += 1
            destination.settle()
        note_access(layout, "withdraw", known.place, level=known.level, counts={"files": removed})
    return removed
