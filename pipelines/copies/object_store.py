"""A place in S3-compatible storage, in Google's (gs://) or in Azure's (az://), by obstore (the extra `copies`). Keys
are the paths of the copy below the prefix.

The variables of the AWS tools name endpoint and credentials (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …). Only
`pipelines.copies.places` imports this module, when a place needs it.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import from_url

from pipelines.copies.destination import BLOCK_BYTES, CopyContent, PlacedEntry, is_relative
from pipelines.disk.failpoints import reach


class ObjectDestination:
    """The place `url` (s3://bucket/prefix, gs://bucket/prefix, az://container/prefix)."""

    def __init__(self, url: str) -> None:
        """Take the URL. Does not connect yet."""
        self._url = url
        self._store = from_url(
            url,
            client_options={"allow_http": True, "timeout": timedelta(seconds=60)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        )

    @property
    def place(self) -> str:
        """The URL."""
        return self._url

    def entries(self) -> dict[str, PlacedEntry]:
        """Return every object below the prefix, by path."""
        with _as_os_errors(self._url):
            found = [one for some in obstore.list(self._store) for one in some]
        return {one["path"]: PlacedEntry("file", one["size"]) for one in found}

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield an object in blocks. Raises OSError."""
        with _as_os_errors(path):
            for block in obstore.get(self._store, path).stream(min_chunk_size=BLOCK_BYTES):
                yield bytes(block)

    def put(self, path: str, content: CopyContent, *, over: bool = False) -> None:
        """Write an object in one request, which creates it and never replaces one unless `over`; read it back."""
        if not is_relative(path):
            raise OSError(errno.EINVAL, "leads out of the copy", path)
        reach("copy-file:before-write")
        data = b"".join(content.blocks())
        with _as_os_errors(path):
            obstore.put(self._store, path, data, mode="overwrite" if over else "create", use_multipart=False)
        digest = sha256()
        for block in self.blocks(path):
            digest.update(block)
        if digest.hexdigest() != content.sha256:
            raise OSError(errno.EIO, "other bytes were read back than had been written", path)
        reach("copy-file:after-rename")

    def remove(self, path: str) -> None:
        """Delete an object."""
        with _as_os_errors(path):
            obstore.delete(self._store, path)
        reach("copy-file:removed")

    def settle(self) -> None:
        """Do nothing: an object that the service has confirmed is durable."""
        reach("copy-file:settled")


@contextmanager
def _as_os_errors(path: str) -> Iterator[None]:
    """Raise OSError for an error of the service, with the first line of its text."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such object", path) from error
    except AlreadyExistsError as error:
        raise FileExistsError(errno.EEXIST, "another process has put it there meanwhile", path) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise OSError(errno.EACCES, "the service refuses these credentials", path) from error
    except BaseError as error:
        raise OSError(errno.EIO, str(error).split("\n", 1)[0], path) from error
