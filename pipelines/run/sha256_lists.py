"""Writes the manifests of a run for `sha256sum -c`: one text file for each home, line by line."""

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
    """The lines of a text file, which can be iterated once; size and digest for the commit record are computed
    meanwhile.
    """

    def __init__(self, path: Path, lines: Iterator[bytes]) -> None:
        """`path` is the path of the text file."""
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
        """Return the file's entry for the commit record; consumes the remaining lines."""
        for _ in self:
            pass
        return TextRecord(layout.relative(self.path), self._size, self._digest.hexdigest())


def write_sha256_manifests(layout: Layout, run: RunRecord) -> None:
    """Write `manifest-sha256-<home_id>.txt` for each home of a run (`manifest-sha256.txt` if there is one home), and
    list the files in the run's record.
    """
    run.texts = []
    for text in sha256_texts(layout, run):
        write_atomically(text.path, text, "manifest-sha256")
        run.texts.append(text.record(layout))


def sha256_texts(layout: Layout, run: RunRecord) -> Iterator[ChecksumList]:
    """Yield the checksum list of each home of a run, made from the manifests in its record."""
    for home_id in run.homes:
        phases = sorted({record.phase for record in run.phases if record.home_id == home_id})
        manifests = [last_manifest_path(layout, [run], home_id, phase) for phase in phases]
        digests = merge(*(read_digests(path) for path in manifests if path is not None))
        path = layout.sha256_list(run.run_id, home_id, is_only_home=len(run.homes) == 1)
        yield ChecksumList(path, (sha256_line(name, digest) for name, digest in digests))
