"""The files of a copy that no commit record lists, or that change: identity, homes, settings, tombstones, reports,
findings, records of drills, imported stores. The head of the copy has their digests.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from models.errors import FixityError
from models.finding import Finding
from models.findings import elsewhere as codes
from models.run import RunRecord
from models.seal import sealed, unsealed
from pipelines.archive.archive import read_identity
from pipelines.archive.copies import read_either
from pipelines.archive.evidence import evidence_files
from pipelines.archive.known_copies import KnownCopy
from pipelines.copies.destination import CopyContent, DamagedHere, Destination, GoneHere, has_there
from pipelines.copies.state import CopyState
from pipelines.disk.atomic import read_regular
from pipelines.disk.layout import Layout


class SmallFiles:
    """Writes small files to a place where their bytes differ, and counts them. `digests` are those that the head of the
    copy lists; they are trusted if `is_sure`.
    """

    def __init__(
        self,
        layout: Layout,
        destination: Destination,
        state: CopyState,
        digests: Mapping[str, str],
        known: KnownCopy,
        *,
        is_sure: bool,
    ) -> None:
        self._layout, self._destination, self._state = layout, destination, state
        self._digests = dict(digests)
        self._is_sure = is_sure
        self._damaged = frozenset(known.damaged)
        self._written: set[str] = set()
        self.files = self.size = 0
        self.healed: list[str] = []
        self.findings: list[Finding] = []

    def kept(self) -> dict[str, str]:
        """Return the digests of the files at the place, by path; files that both archive and copy have lost become
        findings.
        """
        there = {path for path in self._digests if path in self._state.entries or path in self._written}
        self.findings += [codes.GONE.at(path) for path in sorted(self._digests.keys() - there)]
        return {path: self._digests[path] for path in sorted(there)}

    def drop(self, path: str) -> None:
        """Take the digest of a file out that was deleted."""
        self._digests.pop(path, None)

    def put(self, path: str, data: bytes) -> None:
        """Write bytes to a path of the place, if it has others."""
        self._put(path, CopyContent.of(data))

    def put_identity(self) -> None:
        """Put archive.json and its second copy, the homes and the settings."""
        layout = self._layout
        raw = self._either(layout.archive_file, layout.archive_copy)
        for path in (layout.archive_file, layout.archive_copy) if raw is not None else ():
            self.put(layout.relative(path), sealed(raw or b"", ".json"))
        self._put_twice_kept(layout.homes_file)
        if layout.settings_file.exists():
            self.put(layout.settings_file.name, read_regular(layout.settings_file))

    def put_tombstones(self) -> None:
        """Put the tombstones."""
        self._put_twice_kept(self._layout.tombstones_file)

    def put_imports(self) -> None:
        """Put the files of imported stores."""
        for path in self._layout.imported_parts():
            relative = self._layout.relative(path)
            try:
                self._put(relative, CopyContent(path.stem, path.stat().st_size, path))
            except DamagedHere as error:
                self._note(relative, error)

    def put_evidence(self, runs: Iterable[RunRecord]) -> None:
        """Write the files beside the commit records of `runs`, and evidence.json; a file that is damaged here keeps its
        state at the place.
        """
        layout = self._layout
        self._put_twice_kept(layout.evidence_file)
        for run in runs:
            for path in evidence_files(layout, run.run_id):
                self._put_sealed(path)
            for text in run.texts:
                path = layout.root / text.path
                if path.parent == layout.run(run.run_id):
                    try:
                        self._put(text.path, CopyContent(text.sha256, text.size, path))
                    except GoneHere:
                        continue  # a run that is at work writes it next, and `verify` reports one that is lost
                    except DamagedHere as error:
                        self._note(text.path, error)

    def _put_sealed(self, path: Path) -> None:
        relative = self._layout.relative(path)
        try:
            raw = read_regular(path)
            unsealed(raw, path.suffix)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._note(relative, error)
            return
        self.put(relative, raw)

    def _put_twice_kept(self, path: Path) -> None:
        """Put a sealed file of which the data directory has a second copy."""
        try:
            raw = read_either(self._layout, path)
        except FileNotFoundError:
            return
        except (FixityError, OSError) as error:
            self._note(self._layout.relative(path), error)
            return
        self.put(self._layout.relative(path), sealed(raw, path.suffix))

    def _either(self, *paths: Path) -> bytes | None:
        for path in paths:
            try:
                return read_identity(path)
            except (FixityError, OSError):
                continue
        return None

    def _note(self, path: str, error: Exception) -> None:
        self.findings.append(codes.DAMAGED_HERE.at(path, problem=str(error)))

    def _put(self, path: str, content: CopyContent) -> None:
        entry = self._state.entries.get(path)
        is_like = entry is not None and entry.may_have(content.size)
        is_known = self._is_sure and path not in self._damaged and self._digests.get(path) == content.sha256
        if is_like and (is_known or has_there(self._destination, path, content.sha256)):
            self._digests[path] = content.sha256
            return
        self._destination.put(path, content, over=entry is not None)
        if self._digests.get(path) == content.sha256:
            self.healed.append(path)
        self._digests[path] = content.sha256
        self._written.add(path)
        self.files += 1
        self.size += content.size
        self._state.broken.pop(path, None)
