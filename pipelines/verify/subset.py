"""How much of an archive a deep verification looks at."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from models.errors import ConfigurationError

ALL: Final = 100.0


@dataclass(frozen=True, slots=True)
class Subset:
    """So many percent, picked at random by a seed. Raises ConfigurationError unless it is more than 0, at most 100."""

    percent: float = ALL
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.percent <= ALL:
            raise ConfigurationError(f"a subset is more than 0 % and at most 100 %, not {self.percent:g} %")

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.percent == ALL

    def of(self, count: int) -> list[int]:
        """Return the numbers of what is picked out of `count` things, in order; at least one where there is any."""
        wanted = min(count, math.ceil(count * self.percent / ALL))
        return sorted(Random(self.seed).sample(range(count), wanted))
