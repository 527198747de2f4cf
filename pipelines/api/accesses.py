"""The accesses through the API in the audit log: holder, time, and route of each."""

from collections import Counter
from threading import Event, Lock, Thread
from typing import Final

from models.errors import ExtractError
from models.text import safe
from pipelines.api.tokens import ApiToken
from pipelines.archive.audit import note_access
from pipelines.disk.layout import Layout

_PAUSE: Final = 1.0
_LONGEST: Final = 80


class AccessLog:
    """Writes accesses to the audit log, those of a second together: a line for each token, with a count for each route
    and session. If that fails, requests are refused until it succeeds.
    """

    def __init__(self, layout: Layout, where: str) -> None:
        """`where` is the address of the server."""
        self._layout = layout
        self._where = where
        self._lock = Lock()
        self._waiting: dict[ApiToken, Counter[str]] = {}
        self._problem: ExtractError | None = None
        self._ended = Event()
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def note(self, token: ApiToken, about: str) -> None:
        """Note that an answer goes out. Raises the ExtractError that kept the last accesses from being written."""
        with self._lock:
            self._waiting.setdefault(token, Counter())[safe(about)[:_LONGEST]] += 1
            if self._problem is not None:
                raise self._problem

    def close(self) -> None:
        """Write the waiting accesses, and end."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(_PAUSE):
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        problem = None
        for token, counts in waiting.items():
            who = f"{safe(token.name)} on {safe(token.machine)}, token {token.token_id}"
            try:
                note_access(self._layout, "api", self._where, who=who, level=token.level, counts=counts)
            except ExtractError as error:
                problem = error
                with self._lock:
                    self._waiting.setdefault(token, Counter()).update(counts)
        if waiting or problem:
            with self._lock:
                self._problem = problem
