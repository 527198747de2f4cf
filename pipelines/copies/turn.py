"""The turn of a sync at a place: two syncs from different machines, or of two copies of an archive, share no lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Final

from models.errors import LockedError, StoreError
from models.seal import SealError
from pipelines.copies.destination import Destination, read_there
from pipelines.copies.state import CopyHead


class SyncTurn:
    """The turn of one sync. From its begin to its end copy.json has its `token`; a sync that begins later writes its
    own token there, and the earlier one stops before it would change a record or delete a file.
    """

    def __init__(self, destination: Destination, name: str) -> None:
        """Take the place, and the name of copy.json. Does not connect yet."""
        self._destination, self._name = destination, name
        self.token: Final = token_hex(8)
        self.is_begun = False

    def check(self) -> None:
        """Raise LockedError where another sync has begun since. Raises OSError where the place cannot be reached."""
        if not self.is_begun:
            return
        try:
            head = CopyHead.from_bytes(read_there(self._destination, self._name))
            is_kept = head.writer == self.token
        except (FileNotFoundError, SealError, StoreError, ValueError, TypeError, AttributeError):
            is_kept = False
        if not is_kept:
            raise LockedError(
                f"another sync to {self._destination.place} has begun since: this one stopped, and the files that "
                f"it copied stay there. Sync again when the other has ended"
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise LockedError instead of an OSError of the block that the other sync has caused."""
        try:
            yield
        except OSError as error:
            try:
                self.check()
            except OSError:
                raise error from None
            raise
