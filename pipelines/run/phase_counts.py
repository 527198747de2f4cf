"""Counts the files, bytes, rows and messages of a phase, for its commit record."""

from collections import Counter
from collections.abc import Iterable, Mapping

from extractors.reading.registry import IN_THE_WAY, Treatment
from extractors.reading.task import FileResult
from models.counts import add_reading
from models.manifest import Change, FileState, Outcome
from models.run import SourceCounts


class PhaseCounts:
    """Counts of one phase of one home: by source, by outcome, by reject code."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceCounts] = {}
        self.outcomes: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.in_the_way: dict[str, str] = {}

    def sources(self) -> dict[str, SourceCounts]:
        """Return the counts by name of the source, sorted."""
        return dict(sorted(self._sources.items()))

    def add(self, states: Iterable[FileState], results: Iterable[FileResult]) -> None:
        """Add rows of the manifest and results of reading."""
        for state in states:
            self.outcomes[str(state.outcome)] += 1
            count_state(self._counts_of(state.source), state)
            if state.rule in IN_THE_WAY and state.is_present:
                self.in_the_way[state.path] = state.rule
        for result in results:
            self.rejects.update(result.reject_codes)
            _count_result(self._counts_of(result.task.source), result)

    def add_messages(self, new: Mapping[str, int], seen: Mapping[str, int]) -> None:
        """Add numbers of messages by source: `new` ones, and `seen` ones that the archive had already."""
        for source, count in new.items():
            self._counts_of(source).messages_new += count
        for source, count in seen.items():
            self._counts_of(source).messages_duplicate += count

    def _counts_of(self, source: str) -> SourceCounts:
        found = self._sources.get(source)
        return self._sources.setdefault(source, SourceCounts()) if found is None else found


def count_state(counts: SourceCounts, state: FileState) -> None:
    """Add a row of a manifest to the counts of its source."""
    if not state.is_present:
        is_kept_file = state.entry_type == "file" and state.file_id is not None
        counts.files_vanished += is_kept_file and state.change == Change.VANISHED
        return
    if state.entry_type != "file":
        return
    counts.files_found += 1
    counts.bytes_found += state.size
    counts.files_withheld += state.outcome == Outcome.WITHHELD
    counts.files_listed += state.treatment == Treatment.INVENTORY
    counts.files_unreadable += state.outcome == Outcome.UNREADABLE
    counts.files_unchanged += state.change == Change.UNCHANGED and state.file_id is not None


def _count_result(counts: SourceCounts, result: FileResult) -> None:
    is_file = result.error is None and result.task.entry_type == "file"
    counts.files_read += is_file
    counts.bytes_read += result.bytes_read if is_file else 0
    add_reading(counts, lambda name: getattr(result, name), is_file=is_file)
