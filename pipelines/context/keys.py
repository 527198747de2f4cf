"""The secret key of the servers of one archive: it signs their tokens and addresses, which are void without it."""

import hmac
import os
import secrets
from contextlib import suppress
from hashlib import sha256

from models.errors import DataDirectoryError
from pipelines.archive.archive import no_archive
from pipelines.disk.layout import Layout

_BYTES = 32


def server_key(layout: Layout) -> bytes:
    """Return the key of an archive's servers; the first call draws it and writes it, readable by its owner only.

    Raises ConfigurationError if there is no archive yet, DataDirectoryError if the file cannot be written or is not a
    key.
    """
    if not layout.archive_file.exists():
        raise no_archive(layout)
    path = layout.server_key
    try:
        with (
            suppress(FileExistsError),
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
        ):
            file.write(secrets.token_bytes(_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise DataDirectoryError(f"{path} cannot be used: {error.strerror}") from error
    if len(key) != _BYTES:
        raise DataDirectoryError(f"{path} is no key of a server: delete it, and make tokens and addresses anew")
    return key


def secret_path(layout: Layout) -> str:
    """Return the secret component of the MCP server's path: every user of a machine can connect to its loopback
    interface. It stays the same, because Claude Code keeps the address. Raises as `server_key` does.
    """
    return hmac.new(server_key(layout), b"mcp", sha256).hexdigest()[:32]
