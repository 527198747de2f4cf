"""Lists known losses for the status: without a database, from the commit records and from the findings of the last
verification.
"""

from collections.abc import Sequence

from models.errors import FixityError
from models.findings import losses as codes
from models.run import RunRecord
from pipelines.archive.findings_file import read_verifications
from pipelines.disk.layout import Layout

_KINDS = frozenset(kind.code for kind in (codes.BYTES, codes.ROWS, codes.MANIFEST, codes.TEXTS))


def known_losses(layout: Layout, runs: Sequence[RunRecord]) -> list[str]:
    """Return a sentence for each known loss: runs of which nothing was left, and the losses found by the newest
    verification that was more than quick; if there was none since, the parts that `extract repair` retired. `runs` are
    all commit records, oldest first.
    """
    made = [f"the run of epoch {run.epoch} (runs/{run.run_id})" for run in runs if run.status == "lost"]
    verified = next((found for run in reversed(runs) if (found := _found(layout, run)) is not None), None)
    if verified is not None:
        return made + verified
    retired = [one for run in runs for phase in run.phases for one in phase.retired]
    return made + [f"{one.path}: {one.rows} rows of {one.table}, retired because it {one.problem}" for one in retired]


def _found(layout: Layout, run: RunRecord) -> list[str] | None:
    """Return the losses that a verification beside a run named; None if there was none."""
    try:
        made = [one for one in read_verifications(layout, run.run_id) if str(one.level) in ("default", "deep")]
    except (FixityError, OSError):
        return None
    if not made:
        return None
    losses = [one for one in made[0].findings if one.code in _KINDS]
    return [f"{one.address}: {one.sentence.removeprefix('Known loss: ').rstrip('.')}" for one in losses]
