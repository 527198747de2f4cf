"""How a run tells its progress: the command line draws it, tests count it."""

from extractors.reading.task import FileResult
from models.run import PhaseRecord


class Watcher:
    """Is told how a run goes; does nothing itself. The command line shows it, tests count it."""

    def phase_begins(self, home_id: str, phase: int, files: int, size: int) -> None:
        """A phase will read `files` files of `size` bytes."""

    def file_read(self, result: FileResult) -> None:
        """A file was read."""

    def phase_ends(self, record: PhaseRecord) -> None:
        """A phase was committed."""

    def step(self, name: str) -> None:
        """A step before the phases begins (look), or one after them (manifest, load, report)."""
