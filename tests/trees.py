"""Directory trees for comparison in tests: kind, permissions, time and content of each path; the archived part of a
home.
"""

import os
import stat
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from extractors.reading.registry import Classifier, Treatment
from models.manifest import FileState
from models.run import PartRecord, RunRecord
from models.tables import MANIFEST
from models.text import printable_path
from pipelines.archive.archive import read_runs
from pipelines.archive.manifests import read_manifest
from pipelines.disk.atomic import write_sealed
from pipelines.disk.layout import Layout
from tests.support import write_part


class TreeEntry(NamedTuple):
    """One path: `held` is the SHA-256 of a file, the target of a link, None for a directory."""

    kind: str
    mode: int
    mtime_ns: int
    held: bytes


Tree = Mapping[bytes, TreeEntry]


def tree_of(root: Path) -> dict[bytes, TreeEntry]:
    """Return everything below `root` by path in bytes."""
    found = {}
    top = os.fsencode(root)
    for place, directories, names in os.walk(top):
        for name in (*directories, *names):
            path = os.path.join(place, name)
            found[os.path.relpath(path, top)] = _thing(path)
    return found


def _thing(path: bytes) -> TreeEntry:
    result = os.lstat(path)
    if stat.S_ISLNK(result.st_mode):
        return TreeEntry("link", 0, 0, os.readlink(path))
    permissions = stat.S_IMODE(result.st_mode)
    if stat.S_ISDIR(result.st_mode):
        return TreeEntry("directory", permissions, result.st_mtime_ns, b"")
    with open(path, "rb") as file:
        return TreeEntry("file", permissions, result.st_mtime_ns, sha256(file.read()).digest())


def kept_of(tree: Tree) -> dict[bytes, TreeEntry]:
    """Return the part of a home's tree that the archive can restore: all paths that no rule withholds or only lists."""
    classifier = Classifier()
    kept = {}
    for path, item in tree.items():
        place = classifier.place(printable_path(path), item.kind)
        is_listed = place.treatment == Treatment.INVENTORY and place.rule != item.kind
        if place.treatment != Treatment.WITHHOLD and not is_listed:
            kept[path] = item
    return kept


def without_links(tree: Tree) -> dict[bytes, TreeEntry]:
    """Return a tree without its links."""
    return {path: item for path, item in tree.items() if item.kind != "link"}


def below(tree: Tree, *prefixes: bytes) -> dict[bytes, TreeEntry]:
    """Return the paths at or below any of `prefixes`, and their parent directories."""
    wanted = {path for path in tree for prefix in prefixes if path == prefix or path.startswith(prefix + b"/")}
    for path in list(wanted):
        while path := path.rpartition(b"/")[0]:
            wanted.add(path)
    return {path: tree[path] for path in wanted}


def forge(data: Path, change: Callable[[FileState], None], phase: int = 8) -> None:
    """Change the rows of the newest manifest of a phase, and its digest in the commit record."""
    layout = Layout(data)
    run = read_runs(layout)[-1]
    record = next(each for each in run.phases if each.phase == phase)
    at = next(number for number, part in enumerate(record.parts) if part.table == MANIFEST.name)
    path = data / record.parts[at].path
    states = read_manifest(path)
    for state in states:
        change(state)
    path.unlink()
    part = write_part(path, MANIFEST, [state.row() for state in states])
    record.parts[at] = PartRecord(record.parts[at].path, MANIFEST.name, part.rows, part.size, part.sha256)
    commit_again(layout, run)


def commit_again(layout: Layout, run: RunRecord) -> None:
    """Write a commit record without checking its content."""
    write_sealed(layout.commit_record(run.run_id), orjson.dumps(run.to_json(), option=orjson.OPT_INDENT_2), "commit")


def parts_of(data: Path, table: str, run: int = -1) -> list[Path]:
    """Return the Parquet files of a table that the run with this index committed; by default the newest run."""
    committed = read_runs(Layout(data))[run]
    return [data / part.path for phase in committed.phases for part in phase.parts if part.table == table]
