"""Lists a home without extracting it: the source of each path, the withheld paths with reasons, and, on request, the
SHA-256 of each file that a run would read. Needs no data directory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from extractors.home.home import Home
from extractors.reading.extract import digest_file
from extractors.reading.registry import Classifier, Treatment, followed_links
from extractors.reading.rules import INVENTORY_ONLY, LOOKS_LIKE_A_SECRET, WITHHELD
from models.errors import ConfigurationError, SourceError
from models.json import JsonObject
from pipelines.archive.manifests import sha256_line
from pipelines.disk.settings import Settings
from pipelines.run.inventory import Inventory, InventoryItem, take_snapshot
from pipelines.run.snapshot import secrets_among

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """The files of one source, or those to which one rule applies, with the reason of the rule. `size` is in bytes."""

    name: str
    treatment: str
    phase: int
    files: int
    size: int
    why: str = ""


@dataclass(slots=True)
class HomeListing:
    """All paths of a home. `digests` are SHA-256 by path; `problems` are the errors by path of files and directories
    that could not be read.
    """

    root: Path
    items: Inventory
    digests: dict[bytes, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> list[InventoryItem]:
        """The files, without directories, links and special files."""
        return [item for item in self.items if item.found.kind == "file"]

    def sources(self) -> list[ListedGroup]:
        """Return the files that a run reads, by source, in the order of phases."""
        return _grouped(item for item in self.files if item.is_read)

    def withheld(self) -> list[ListedGroup]:
        """Return the withheld paths, which no run opens, by rule."""
        return _grouped((item for item in self.items if item.place.treatment == Treatment.WITHHOLD), by_rule=True)

    def listed(self) -> list[ListedGroup]:
        """Return the files that a run lists in the manifest without reading them, by rule."""
        return _grouped((item for item in self.files if item.place.treatment == Treatment.INVENTORY), by_rule=True)

    def others(self) -> dict[str, int]:
        """Return the numbers of directories, links and special files."""
        kinds = [item.found.kind for item in self.items]
        return {
            "directories": kinds.count("directory"),
            "links": kinds.count("link"),
            "special files": kinds.count("special"),
        }

    def to_json(self) -> JsonObject:
        """Return the whole listing as JSON values; times are ISO 8601 in UTC."""
        return {
            "root": str(self.root),
            "files": len(self.files),
            "bytes": sum(item.found.stat.size for item in self.files),
            **self.others(),
            "sources": [_group_json(group) for group in self.sources()],
            "withheld": [_group_json(group) for group in self.withheld()],
            "listed": [_group_json(group) for group in self.listed()],
            "problems": dict(self.problems),
            "paths": [self._path_json(item) for item in self.items],
        }

    def _path_json(self, item: InventoryItem) -> JsonObject:
        stat, digest = item.found.stat, self.digests.get(item.found.path)
        made: JsonObject = {
            "path": item.path,
            "type": item.found.kind,
            "source": item.place.source,
            "phase": item.place.phase,
            "treatment": str(item.place.treatment),
            "rule": item.place.rule,
            "size": stat.size if item.found.kind == "file" else 0,
            "modified_at": (_EPOCH + timedelta(microseconds=stat.mtime_ns // 1000)).isoformat(),
        }
        return made if digest is None else {**made, "sha256": digest}


def list_home(root: Path, settings: Settings, *, digests: bool = False) -> HomeListing:
    """Walk a home and assign each path to a source and treatment; with `digests`, digest each file that a run would
    read.

    Files withheld by their names are never opened; of small unknown files the first 4 kB are read, as a run does.
    Raises SourceError if the home itself cannot be read; errors of paths in it are in
    the listing's `problems`.
    """
    classifier = Classifier(settings.withhold, archive_trees=settings.archive_trees)
    made = HomeListing(root, take_snapshot(root, classifier, follow_links=settings.follow_links))
    for item in secrets_among(root, made.items):
        made.items.withhold(item.found.path, LOOKS_LIKE_A_SECRET)
    for item in made.items:
        if item.found.error is not None:
            made.problems[item.path] = item.found.error
    if digests:
        with Home(root, followed_links(follow_links=settings.follow_links)) as home:
            for item in made.files:
                if item.is_read and item.found.error is None:
                    _digest(home, item, made)
    return made


def _digest(home: Home, item: InventoryItem, made: HomeListing) -> None:
    try:
        stat, _, digest = digest_file(home, item.found.path, item.found.stat.size, deep=True)
    except SourceError as error:
        made.problems[item.path] = error.reason
        return
    if stat.size < item.found.stat.size:
        made.problems[item.path] = "became shorter while it was read"
    elif digest is not None:
        made.digests[item.found.path] = digest


def sha256_manifest(listing: HomeListing) -> bytes:
    """Return the digests of a listing in the format of `sha256sum`, with paths relative to the home, as raw bytes."""
    return b"".join(sha256_line(path, digest) for path, digest in sorted(listing.digests.items()))


def refuse_within_homes(target: Path, homes: Iterable[Path]) -> None:
    """Raise ConfigurationError if `target` is in one of `homes`: extract never writes to a home."""
    real = target.absolute().parent.resolve() / target.name
    for home in homes:
        if home.resolve() in (real, *real.parents):
            raise ConfigurationError(f"{target} is in the home {home}: extract never writes to a home")


_WHY = {rule.name: rule.why for rule in (*WITHHELD, *INVENTORY_ONLY)}


def _grouped(items: Iterator[InventoryItem] | Sequence[InventoryItem], *, by_rule: bool = False) -> list[ListedGroup]:
    groups: dict[tuple[int, str], list[InventoryItem]] = {}
    for item in items:
        key = (0, item.place.rule) if by_rule else (item.place.phase, item.place.source)
        groups.setdefault(key, []).append(item)
    return [
        ListedGroup(
            name,
            str(found[0].place.treatment),
            found[0].place.phase,
            len(found),
            sum(item.found.stat.size for item in found if item.found.kind == "file"),
            _why(name) if by_rule else "",
        )
        for (_, name), found in sorted(groups.items())
    ]


def _why(rule: str) -> str:
    return _WHY.get(rule, "Named in the settings." if rule.startswith("settings:") else "")


def _group_json(group: ListedGroup) -> JsonObject:
    return {
        "name": group.name,
        "treatment": group.treatment,
        "phase": group.phase,
        "files": group.files,
        "bytes": group.size,
        "why": group.why,
    }
