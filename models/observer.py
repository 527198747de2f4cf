"""The one protocol by which a run, a restore, a drill, an erasure or a verification reports its progress.

The command line draws it, flows log it, tests count it; a task that nobody follows is given a plain `Observer`.
"""

from typing import Protocol

from models.run import PhaseRecord


class FileRead(Protocol):
    """A file that was read, as far as an observer needs to know it."""

    @property
    def path(self) -> bytes:
        """Its path below the home."""

    @property
    def bytes_due(self) -> int:
        """How many bytes of it were to be read: its size when the home was pinned."""

    @property
    def entry_count(self) -> int:
        """How many entries it had."""


class Observer:
    """Is called while a task goes on. Every method does nothing here: override those that are of interest.

    All calls come from the process that does the task; several threads at a time may call `advances`. An exception of
    an override ends the task.
    """

    def step_begins(self, name: str, size: int | None = None) -> None:
        """A step begins, and the step before it has ended; it handles `size` bytes, None where that is not known."""

    def advances(self, size: int, entries: int = 0) -> None:
        """`size` more bytes of the step were handled, and `entries` more entries read of them."""

    def step_ends(self) -> None:
        """The step is over, and no other one begins yet."""

    def file_read(self, read: FileRead) -> None:
        """A run has read a file. Unless it is overridden, the step advances by it."""
        self.advances(read.bytes_due, read.entry_count)

    def phase_committed(self, record: PhaseRecord) -> None:
        """A run has committed a phase of a home."""
