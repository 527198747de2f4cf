"""Reads the bytes of archived files that homes still have, where the current rules let a run read them."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from extractors.home.home import Home
from extractors.reading.registry import Classifier, Treatment, followed_links
from models.errors import ConfigurationError, SourceError
from models.manifest import FileState
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings

_LARGEST: Final = 256 << 20


class HomeFiles:
    """The files of homes, by home_id and path. The caller compares the bytes of every read with a digest."""

    def __init__(self, layout: Layout, homes: Mapping[str, Path]) -> None:
        """Raises ConfigurationError for invalid settings."""
        settings = read_settings(layout)
        self._rules = Classifier(settings.withhold, archive_trees=settings.archive_trees)
        self._links = followed_links(follow_links=settings.follow_links)
        self._homes = homes

    def span(self, state: FileState, offset: int, length: int) -> bytes | None:
        """Return bytes of a file as the home has them now; None where it cannot or must not be read."""
        root = self._homes.get(state.home_id)
        place = self._rules.place(state.path, state.entry_type)
        if root is None or place.treatment not in (Treatment.EXTRACT, Treatment.ARCHIVE) or state.entry_type != "file":
            return None
        try:
            with Home(root, self._links) as home, home.open(state.path_bytes) as file:
                return file.read(offset, length)
        except (SourceError, ConfigurationError, OSError):
            return None

    def whole(self, state: FileState, size: int) -> bytes | None:
        """Return the first `size` bytes of a file, if their SHA-256 is that of its manifest; of files up to 256 MB."""
        if size > _LARGEST or state.sha256 is None or state.erased_spans is not None:
            return None
        data = self.span(state, 0, size)
        return data if data is not None and sha256(data).hexdigest() == state.sha256 else None
