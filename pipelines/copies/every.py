"""Syncs every copy that the archive knows, one after the other; one that cannot be reached keeps no other from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ExitCode, ExtractError
from models.json import JsonObject
from models.observer import Observer
from pipelines.archive.audit import note_access
from pipelines.archive.known_copies import KnownCopy, read_known_copies
from pipelines.copies.result import SyncResult
from pipelines.copies.sync import sync_copy
from pipelines.disk.layout import Layout


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    """The end of the sync of a copy: a result, or an error."""

    known: KnownCopy
    result: SyncResult | None = None
    error: ExtractError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that does this sync alone."""
        if self.error is not None:
            return ExitCode(self.error.exit_code)
        return self.result.exit_code if self.result is not None else ExitCode.VERIFIED

    @property
    def has_every_erasure(self) -> bool:
        """Whether the copy contains nothing any more that was erased before the sync."""
        return self.result is not None and self.result.is_erased

    def to_json(self) -> JsonObject:
        """Return the outcome as JSON values."""
        if self.result is not None:
            return self.result.to_json()
        return {"copy": self.known.to_json(), "error": str(self.error), "exit_code": int(self.exit_code)}


def sync_every(layout: Layout, known: Sequence[KnownCopy], observer: Observer) -> list[CopyOutcome]:
    """Sync copies and return how each sync ended. Raises nothing for a copy that cannot be synced."""
    made = []
    for one in known:
        try:
            result = sync_copy(layout, one, observer)
            note_access(layout, "copy", one.place, counts={"files": result.files, "bytes": result.size})
            made.append(CopyOutcome(one, result=result))
        except ExtractError as error:
            made.append(CopyOutcome(one, error=error))
    return made


def sync_all_known(layout: Layout, observer: Observer) -> list[CopyOutcome]:
    """Sync all copies that the archive knows, as `sync_every` does. Raises FixityError and StoreError where it is not
    known which these are.
    """
    return sync_every(layout, read_known_copies(layout), observer)
