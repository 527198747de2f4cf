"""Random choices that are the same on every platform and every Python version.

They use only `random.Random.random` and `getrandbits`, whose sequences Python promises to keep, and no function of
the C mathematics library, whose last digit differs between systems.
"""

import binascii
import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
_URL_SAFE = bytes.maketrans(b"+/", b"Xq")
_HEX = "0123456789abcdef"


class Rng:
    """A stream of random choices that depends on its label alone."""

    def __init__(self, *label: object) -> None:
        self._random = random.Random("/".join(map(str, label)))
        self.unit = self._random.random
        self.bits = self._random.getrandbits

    def below(self, limit: int) -> int:
        """Return an integer from 0 to limit - 1."""
        return int(self.unit() * limit)

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.unit() < probability

    def pick(self, items: Sequence[_T]) -> _T:
        """Return one of the items."""
        return items[int(self.unit() * len(items))]

    def some(self, items: Sequence[_T], count: int) -> list[_T]:
        """Return up to `count` different items, in a random order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]

    def by_quantiles(self, *quantiles: int) -> int:
        """Return an integer from a skewed distribution: (1, 5, 90) is 1 to 5 half of the time, 5 to 90 otherwise.

        The arguments are its quantiles at equal distances, from the least to the greatest value.
        """
        place = self.unit() * (len(quantiles) - 1)
        index = int(place)
        low, high = quantiles[index], quantiles[index + 1]
        return low + int((place - index) * (high - low))

    def hexa(self, length: int) -> str:
        """Return that many hexadecimal digits."""
        return f"{self.bits(4 * length):0{length}x}"

    def uuid(self) -> str:
        """Return a random UUID (version 4)."""
        text = f"{self.bits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_HEX[8 | self.bits(2)]}{text[17:20]}-{text[20:]}"

    def octets(self, count: int) -> bytes:
        """Return that many random bytes."""
        return self.bits(8 * count).to_bytes(count, "little") if count else b""

    def base64(self, count: int) -> str:
        """Return the Base64 of that many random bytes."""
        return binascii.b2a_base64(self.octets(count), newline=False).decode()

    def token(self, length: int) -> str:
        """Return that many letters and digits, as in the identifiers of the Anthropic API."""
        coded = binascii.b2a_base64(self.octets(length), newline=False)
        return coded[:length].translate(_URL_SAFE).decode()
