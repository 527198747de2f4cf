"""A place in S3-compatible storage, in Google's (gs://) or in Azure's (az://), by obstore (the extra `copies`). Keys
are the paths of the copy below the prefix.

The variables of the AWS tools name endpoint and credentials (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …). Only
`pipelines.copies.places` imports this module, when a place needs it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import from_url

from models.errors import ConfigurationError
from pipelines.copies.destination import BLOCK_BYTES, CopyContent, PlacedEntry, is_relative
from pipelines.disk.failpoints import reach

_CREDENTIALS: Final = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_METADATA_ENDPOINT",
        "AWS_SKIP_SIGNATURE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GCE_METADATA_HOST",
        "GOOGLE_SKIP_SIGNATURE",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "IDENTITY_ENDPOINT",
        "AZURE_SKIP_SIGNATURE",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_TOKEN",
        "AZURE_STORAGE_CLIENT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_USE_AZURE_CLI",
    ),
}
"""For each kind of storage the variables by which its tools find credentials. The first is the usual one; the second
names the service of a rented machine that gives out the credentials of its role.
"""


class ObjectDestination:
    """The place `url` (s3://bucket/prefix, gs://bucket/prefix, az://container/prefix)."""

    def __init__(self, url: str) -> None:
        """Take the URL. Does not connect yet. Raises ConfigurationError where no credentials are named."""
        _refuse_without_credentials(url)
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


def _refuse_without_credentials(url: str) -> None:
    """Raise ConfigurationError where no variable names credentials: the library would ask a fixed address of the local
    network for some, for minutes, and take them from whoever answers there.
    """
    scheme = url.partition("://")[0]
    names = _CREDENTIALS[scheme]
    has_file = (
        scheme == "gs" and (Path("~").expanduser() / ".config/gcloud/application_default_credentials.json").exists()
    )
    if not has_file and not any(os.environ.get(name) for name in names):
        raise ConfigurationError(
            f"there are no credentials for {url}: set {names[0]} and its companions (docs/lake.md); on a rented "
            f"machine with a role of its own, {names[1]}"
        )


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
