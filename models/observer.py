"""The one protocol by which a run, a restore, a drill, an erasure or a verification reports its progress.

The command line displays it, flows log it, tests count it; a plain `Observer` ignores it.
"""

from collections.abc import Sequence
from typing import Protocol

from models.run import PhaseRecord


class FileRead(Protocol):
    """The facts about a file that a run has read, for an observer."""

    @property
    def path(self) -> bytes:
        """Its path relative to the home, as raw bytes."""

    @property
    def bytes_due(self) -> int:
        """Its size in the snapshot."""

    @property
    def entry_count(self) -> int:
        """The number of its entries."""


class Observer:
    """Receives the progress of a task. All methods do nothing here: override those of interest.

    All calls come from the process of the task; `advances` may be called by several threads at once. An exception of an
    override ends the task.
    """

    def step_begins(self, name: str, size: int | None = None) -> None:
        """A step begins, which ends the previous one. It will process `size` bytes; None means unknown."""

    def settings_changed(self, sentences: Sequence[str]) -> None:
        """A run has found settings that changed since the last run, with the effect of each, and read nothing yet."""

    def advances(self, size: int, entries: int = 0) -> None:
        """The step has processed `size` more bytes with `entries` more entries."""

    def step_ends(self) -> None:
        """The step has ended, and no other one begins yet."""

    def file_read(self, read: FileRead) -> None:
        """A run has read a file. By default it calls `advances` with the file's size and entries."""
        self.advances(read.bytes_due, read.entry_count)

    def phase_committed(self, record: PhaseRecord) -> None:
        """A run has committed a phase of a home."""
