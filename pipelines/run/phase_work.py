"""The parameters of one phase of one home, shared by the run's process and its workers."""

from dataclasses import dataclass
from pathlib import Path

from extractors.reading.erasure import Tombstones
from extractors.reading.task import Limits
from pipelines.run.digest_indexes import DigestIndexes
from pipelines.run.snapshot import Due


@dataclass(frozen=True, slots=True)
class PhaseWork:
    """The parameters of one phase of one home in one run. Can be pickled: spawned workers receive it that way.

    `run_started_at` is ISO 8601 in UTC; `directory` is where the phase's Parquet files are staged; `seed` is the seed
    of the store's digests; `due` counts what all `processes` together have to read.
    """

    home_id: str
    home: Path
    run_id: str
    run_started_at: str
    phase: int
    directory: Path
    seed: int
    limits: Limits
    digests: DigestIndexes
    due: Due
    processes: int = 1
    is_full: bool = False
    follow_links: bool = False
    tombstones: Tombstones | None = None

    @property
    def is_large(self) -> bool:
        """Whether there is so much to parse (256 MB) that the phase saves memory at the cost of time."""
        return self.due.new_bytes >= 256 << 20
