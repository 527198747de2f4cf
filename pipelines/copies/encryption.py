"""A place where every file is encrypted, by age (pyrage, in the extra `copies`): `NAME.age` for each NAME. Names and
sizes are not hidden. Any program for age decrypts them with the key file.

Only `pipelines.copies.places` imports this module, when a copy has a key file.
"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import pyrage

from models.errors import ConfigurationError
from pipelines.copies.destination import CopyContent, Destination, PlacedEntry, UnreadableThere
from pipelines.copies.directory import TEMPORARY
from pipelines.disk.atomic import sync_file
from pipelines.disk.platform import create_exclusive, fsync_directory

SUFFIX: Final = ".age"
_SECRET: Final = "AGE-SECRET-KEY-"


class _Identity(Protocol):
    def to_public(self) -> object: ...


class EncryptedDestination:
    """The place of another destination, encrypted there. Of a file the size is not known before it is decrypted."""

    def __init__(self, inner: Destination, key_file: Path) -> None:
        """Take the place and the key file. Raises ConfigurationError when the key cannot be read."""
        self._inner = inner
        self._identity = _identity_of(key_file)
        self._recipient = self._identity.to_public()

    @property
    def place(self) -> str:
        """The place as the user names it."""
        return self._inner.place

    def entries(self) -> dict[str, PlacedEntry]:
        """Return everything that is there but directories; encrypted files by their own path."""
        found = self._inner.entries()
        plain = {path: entry for path, entry in found.items() if not path.endswith(SUFFIX)}
        ours = {
            path.removesuffix(SUFFIX): PlacedEntry(entry.kind, None) for path, entry in found.items() - plain.items()
        }
        return plain | ours

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file, decrypted. Raises UnreadableThere if it was encrypted with another key or
        changed.
        """
        cipher = b"".join(self._inner.blocks(path + SUFFIX))
        try:
            yield pyrage.decrypt(cipher, [self._identity])
        except pyrage.DecryptError as error:
            raise UnreadableThere(errno.EIO, "it cannot be decrypted with this key", path) from error

    def put(self, path: str, content: CopyContent, *, over: bool = False) -> None:
        """Encrypt a file and put it there."""
        cipher = pyrage.encrypt(b"".join(content.blocks()), [self._recipient])
        self._inner.put(path + SUFFIX, CopyContent.of(cipher), over=over)

    def remove(self, path: str) -> None:
        """Delete a file."""
        self._inner.remove(path if TEMPORARY.fullmatch(path) else path + SUFFIX)

    def settle(self) -> None:
        """Return when everything survives a power loss."""
        self._inner.settle()


def make_key_file(path: Path) -> None:
    """Write a new key to a file that only its owner can read. Raises OSError, FileExistsError if anything is there."""
    identity = pyrage.x25519.Identity.generate()
    text = f"# public key: {identity.to_public()}\n{identity}\n"
    with os.fdopen(create_exclusive(path), "wb") as file:
        file.write(text.encode())
    sync_file(path)
    fsync_directory(path.parent)


def _identity_of(path: Path) -> _Identity:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        secret = next(line.strip() for line in lines if line.startswith(_SECRET))
        identity: _Identity = pyrage.x25519.Identity.from_str(secret)
    except (OSError, UnicodeDecodeError, StopIteration, pyrage.IdentityError) as error:
        raise ConfigurationError(
            f"the key file {path} cannot be read ({type(error).__name__}): without it nobody can read the copy"
        ) from error
    return identity
