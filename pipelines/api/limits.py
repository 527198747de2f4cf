"""Limits for each client: the rate of requests by token, and the size of the cache of answers."""

import time
from collections import OrderedDict
from threading import Lock
from typing import Final


class RateLimit:
    """A bucket for each holder: it has `burst` requests at most, and is filled with `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._lock = Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, holder: str, now: float | None = None) -> float:
        """Count a request of a holder; return 0, or the seconds until one is allowed. `now` is a monotonic time."""
        at = time.monotonic() if now is None else now
        with self._lock:
            left, before = self._buckets.get(holder, (float(self._burst), at))
            left = min(self._burst, left + (at - before) * self._rate)
            if left < 1:
                self._buckets[holder] = (left, at)
                return (1 - left) / self._rate
            self._buckets[holder] = (left - 1, at)
            return 0.0


_MOST_BYTES: Final = 32 << 20
_LARGEST: Final = 2 << 20


class AnswerCache:
    """Answers by their ETag, the least recently asked dropped first. An ETag names the warehouse, so none gets old."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def get(self, etag: str) -> bytes | None:
        """Return an answer, if it is kept."""
        with self._lock:
            found = self._kept.get(etag)
            if found is not None:
                self._kept.move_to_end(etag)
            return found

    def put(self, etag: str, body: bytes) -> None:
        """Keep an answer; large ones are not kept."""
        with self._lock:
            if len(body) > _LARGEST or etag in self._kept:
                return
            self._kept[etag] = body
            self._size += len(body)
            while self._size > _MOST_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped)
