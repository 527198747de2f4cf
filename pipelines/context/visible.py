"""Finds the sessions that a client may see: for a team or the public, those that a rule of privacy gives to them."""

from collections.abc import Callable
from threading import Lock

from pipelines.privacy.levels import session_levels
from pipelines.privacy.rules import PrivacyRule, rank, read_rules
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.current import CurrentWarehouse

Visible = Callable[[], frozenset[str] | None]
"""Returns the ids of the sessions that may be seen, None for all."""


def everything() -> None:
    """Return that all sessions may be seen."""


class VisibleSessions:
    """The sessions of a level, found again when the warehouse or the rules have changed. One that is in several homes
    must have the level in all of them.
    """

    def __init__(self, warehouse: CurrentWarehouse, level: PrivacyLevel) -> None:
        self._warehouse = warehouse
        self._least = rank(level.name.lower())
        self._lock = Lock()
        self._of: tuple[str, list[PrivacyRule]] | None = None
        self._ids: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Return the ids of the sessions. Raises as `session_levels` does."""
        with self._lock:
            now = (self._warehouse.version, read_rules(self._warehouse.layout))
            if now != self._of:
                levels = session_levels(self._warehouse.layout)
                hidden = {session_id for _, session_id in levels.below(self._least)}
                self._ids = frozenset(session_id for _, session_id in levels.sessions if session_id not in hidden)
                self._of = now
            return self._ids
