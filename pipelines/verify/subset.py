"""The share of files that a deep verification checks."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from models.errors import ConfigurationError

ALL: Final = 100.0


@dataclass(frozen=True, slots=True)
class Subset:
    """A random share of `percent`, picked by `seed`. Raises ConfigurationError unless 0 < percent <= 100."""

    percent: float = ALL
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.percent <= ALL:
            raise ConfigurationError(f"a subset must be more than 0 % and at most 100 %, not {self.percent:g} %")

    @property
    def is_all(self) -> bool:
        """Whether it includes everything."""
        return self.percent == ALL

    def of(self, count: int) -> list[int]:
        """Return the sorted indices of the items picked out of `count`; at least one if `count` is not 0."""
        wanted = min(count, math.ceil(count * self.percent / ALL))
        return sorted(Random(self.seed).sample(range(count), wanted))
