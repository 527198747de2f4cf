"""What one phase of one home works on, in the process of the run and in those that read for it."""

from dataclasses import dataclass
from pathlib import Path

from extractors.reading.erasure import Tombstones
from extractors.reading.task import Limits
from pipelines.run.digest_indexes import DigestIndexes
from pipelines.run.snapshot import Due


@dataclass(frozen=True, slots=True)
class PhaseWork:
    """One phase of one home in one run. Can be pickled: a reading process that is not forked is sent it.

    `run_started_at` is ISO 8601 in UTC; `directory` is where the phase's Parquet is staged; `seed` is that of the
    store's digests; `due` is what is to be read, by all `processes` together.
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
        """Whether so many bytes are to be parsed that memory is worth more than time."""
        return self.due.new_bytes >= 256 << 20
