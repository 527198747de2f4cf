"""The manifests of a run for `sha256sum -c`: a text for each home, written line by line."""

from collections.abc import Iterator
from hashlib import sha256
from heapq import merge
from pathlib import Path

from models.run import RunRecord, TextRecord
from pipelines.archive.manifests import read_digests, sha256_line
from pipelines.disk.atomic import write_atomically
from pipelines.disk.layout import Layout
from pipelines.run.snapshot import last_manifest_path


class ChecksumList:
    """A text as its lines, to be gone through once: what a commit record says of it is known then."""

    def __init__(self, path: Path, lines: Iterator[bytes]) -> None:
        """`path` is where it stands."""
        self.path = path
        self._lines = lines
        self._size = 0
        self._digest = sha256()

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self._size += len(line)
            self._digest.update(line)
            yield line

    def record(self, layout: Layout) -> TextRecord:
        """Return what a commit record says of it, when all lines that are left were gone through."""
        for _ in self:
            pass
        return TextRecord(layout.relative(self.path), self._size, self._digest.hexdigest())


def write_sha256_manifests(layout: Layout, run: RunRecord) -> None:
    """Write `manifest-sha256-<home_id>.txt` of each home of a run, with one home `manifest-sha256.txt`; note them in
    the record.
    """
    run.texts = []
    for text in sha256_texts(layout, run):
        write_atomically(text.path, text, "manifest-sha256")
        run.texts.append(text.record(layout))


def sha256_texts(layout: Layout, run: RunRecord) -> Iterator[ChecksumList]:
    """Yield the texts for `sha256sum -c` of a run."""
    for home_id in run.homes:
        phases = sorted({record.phase for record in run.phases if record.home_id == home_id})
        manifests = [last_manifest_path(layout, [run], home_id, phase) for phase in phases]
        digests = merge(*(read_digests(path) for path in manifests if path is not None))
        name = "manifest-sha256.txt" if len(run.homes) == 1 else f"manifest-sha256-{home_id}.txt"
        yield ChecksumList(layout.run(run.run_id) / name, (sha256_line(path, digest) for path, digest in digests))
