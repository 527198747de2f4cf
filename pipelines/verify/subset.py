"""The share of files that a deep verification checks: a random one, or the slots whose turn it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Final

from models.errors import ConfigurationError
from pipelines.archive.checks_file import slot_of
from pipelines.archive.damage import SLOTS

ALL: Final = 100.0


@dataclass(frozen=True, slots=True)
class Subset:
    """A random share of `percent`, picked by `seed`; with `since` (UTC, ISO 8601), and all that runs begun later have
    read; with `slots`, instead, the files of these slots out of 28 (`pipelines.archive.checks_file`). Raises
    ConfigurationError unless 0 < percent <= 100.
    """

    percent: float = ALL
    seed: int = 0
    slots: frozenset[int] | None = None
    since: str | None = None

    @classmethod
    def of_slots(cls, slots: frozenset[int]) -> "Subset":
        """Return the share that some of the slots make."""
        return cls(round(len(slots) * ALL / SLOTS, 1), slots=slots)

    def __post_init__(self) -> None:
        if not 0 < self.percent <= ALL:
            raise ConfigurationError(f"a subset must be more than 0 % and at most 100 %, not {self.percent:g} %")

    @property
    def is_all(self) -> bool:
        """Whether it includes everything."""
        return self.percent == ALL

    def holds(self, key: str) -> bool:
        """Whether a file is in one of the slots, by a name that never changes; always without slots."""
        return self.slots is None or slot_of(key) in self.slots

    def of(self, keys: Sequence[str], last_run_ids: Sequence[str] = ()) -> list[int]:
        """Return the sorted indices of the items picked, each of which is given by a name that never changes and, where
        that is known, by the last run that read it; of a random share at least one.
        """
        if self.slots is not None:
            return [number for number, key in enumerate(keys) if self.holds(key)]
        count = len(keys)
        wanted = min(count, math.ceil(count * self.percent / ALL))
        picked = set(Random(self.seed).sample(range(count), wanted))
        if self.since is not None:
            # The id of a run begins with the time of its start.
            first = f"{datetime.fromisoformat(self.since).astimezone(UTC):%Y%m%dT%H%M%SZ}"
            picked |= {number for number, run_id in enumerate(last_run_ids) if run_id >= first}
        return sorted(picked)
