"""What a phase found and did, counted for its commit record."""

from collections import Counter
from collections.abc import Iterable, Mapping

from extractors.reading.registry import IN_THE_WAY, Treatment
from extractors.reading.task import FileResult
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
        """Return what each source gave, by its name."""
        return dict(sorted(self._sources.items()))

    def add(self, states: Iterable[FileState], results: Iterable[FileResult]) -> None:
        """Count rows of the manifest, and what was read for them."""
        for state in states:
            self.outcomes[str(state.outcome)] += 1
            count_state(self._of(state.source), state)
            if state.rule in IN_THE_WAY and state.is_present:
                self.in_the_way[state.path] = state.rule
        for result in results:
            self.rejects.update(result.reject_codes)
            _count_result(self._of(result.task.source), result)

    def add_messages(self, new: Mapping[str, int], seen: Mapping[str, int]) -> None:
        """Count messages by source: those that nobody had said before, and the others."""
        for source, count in new.items():
            self._of(source).messages_new += count
        for source, count in seen.items():
            self._of(source).messages_duplicate += count

    def _of(self, source: str) -> SourceCounts:
        found = self._sources.get(source)
        return self._sources.setdefault(source, SourceCounts()) if found is None else found


def count_state(tally: SourceCounts, state: FileState) -> None:
    """Count a row of a manifest among those of its source."""
    if not state.is_present:
        is_kept_file = state.entry_type == "file" and state.file_id is not None
        tally.files_vanished += is_kept_file and state.change == Change.VANISHED
        return
    if state.entry_type != "file":
        return
    tally.files_found += 1
    tally.bytes_found += state.size
    tally.files_withheld += state.outcome == Outcome.WITHHELD
    tally.files_listed += state.treatment == Treatment.INVENTORY
    tally.files_unreadable += state.outcome == Outcome.UNREADABLE
    tally.files_unchanged += state.change == Change.UNCHANGED and state.file_id is not None


def _count_result(tally: SourceCounts, result: FileResult) -> None:
    if result.error is not None or result.task.entry_type != "file":
        tally.rows += result.row_count
        tally.entries += result.entry_count
        tally.entries_with_rows += result.entries_with_rows
        tally.rejects += result.reject_count
        return
    tally.files_read += 1
    tally.bytes_read += result.bytes_read
    tally.bytes_kept_new += result.new_piece_bytes
    tally.entries += result.entry_count
    tally.entries_with_rows += result.entries_with_rows
    tally.rejects += result.reject_count
    tally.padding_bytes += result.padding_bytes
    tally.tail_bytes += result.tail_bytes
    tally.rows += result.row_count
