"""Compares a share of the second copies with their originals in each run, all within four weeks, and mends them."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from models.errors import FixityError
from models.run import DamageRecord, PartRecord, RunRecord
from pipelines.archive.copies import copy_part, listings, manifests_of
from pipelines.archive.damage import OTHER_BYTES, days_since_run, due_parts
from pipelines.disk.atomic import read_regular, read_sealed, sha256_of, write_atomically
from pipelines.disk.layout import Layout

_SMALL: Final = 4 << 20
"""Every run compares at least this many bytes of each kind, if there are so many."""


def mend_second_copies(layout: Layout, runs: Sequence[RunRecord], now: datetime | None = None) -> list[DamageRecord]:
    """Write second copies again whose bytes differ from undamaged originals; returns them. `runs` are all runs with a
    commit record, `now` is in UTC. Compared are those whose turn it is, then others until 4 MiB are read; without
    `now` all. Sizes must be right already, as after `renew_copies`. The caller must hold the writer lock.
    """
    manifests = _in_turn(manifests_of(runs), runs, now)
    mended = [part.path for part in manifests if not _is_as(layout, part) and copy_part(layout, part)]
    sealed = [layout.commit_record(run.run_id) for run in runs]
    sealed += [path for path in listings(layout) if path.exists()]
    in_turn = _in_turn([_as_part(layout, path) for path in sealed], runs, now)
    mended += [one.path for one in in_turn if _renew(layout, layout.root / one.path)]
    again = f"{OTHER_BYTES}, and was made again from its original"
    return [
        DamageRecord(layout.relative(layout.copy_of(layout.root / path)), "", "", again, mended=True) for path in mended
    ]


def _in_turn(parts: Iterable[PartRecord], runs: Sequence[RunRecord], now: datetime | None) -> Iterable[PartRecord]:
    return parts if now is None else due_parts(parts, now.date(), days_since_run(runs, now), at_least=_SMALL)


def _is_as(layout: Layout, part: PartRecord) -> bool:
    with suppress(OSError):
        return sha256_of(layout.copy_of(layout.root / part.path)) == part.sha256
    return False


def _as_part(layout: Layout, path: Path) -> PartRecord:
    """Return a file as `due_parts` takes it: its name decides on its turn, because its content changes."""
    name = layout.relative(path)
    return PartRecord(name, "", 0, path.stat().st_size, sha256(name.encode()).hexdigest())


def _renew(layout: Layout, path: Path) -> bool:
    """Write the second copy of an undamaged sealed file again if it has other bytes; returns whether it had."""
    copy = layout.copy_of(path)
    with suppress(FixityError, OSError):
        read_sealed(path)
        data = read_regular(path)
        if read_regular(copy) != data:
            write_atomically(copy, data, "renew-copy")
            return True
    return False
