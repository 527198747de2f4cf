"""The counts of a reading, declared once: for the table `extractions`, for the sums of a source in the commit record
and in the table `run_sources`, and for the checks that compare them.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from models.run import SourceCounts
from models.schema import INTEGER, Column


class ReadingCount(NamedTuple):
    """A count of one reading of one file.

    `name` is its column in `extractions` and its attribute of a reading's result; `summed_as` is the field of
    `SourceCounts` with the sum over a source's files, None if it is not summed. A count of bytes is summed over regular
    files only: directories and links have no bytes of their own.
    """

    name: str
    summed_as: str | None
    sentence: str

    @property
    def is_of_bytes(self) -> bool:
        """Whether bytes are counted."""
        return self.name.endswith("_bytes")


READING_COUNTS: Final = (
    ReadingCount("entry_count", "entries", "Entries read."),
    ReadingCount("entries_with_rows", "entries_with_rows", "Entries that gave rows."),
    ReadingCount("reject_count", "rejects", "Entries rejected."),
    ReadingCount("padding_bytes", "padding_bytes", "Bytes between entries: blank lines, NUL runs, byte order marks."),
    ReadingCount("tail_bytes", "tail_bytes", "Bytes after the watermark, waiting for the end of their entry."),
    ReadingCount("row_count", "rows", "Rows made, in all tables."),
    ReadingCount("message_count", None, "Message occurrences."),
    ReadingCount("piece_count", None, "Pieces that the read bytes were cut into."),
    ReadingCount("new_piece_bytes", "bytes_kept_new", "Bytes of pieces that the store did not have yet."),
)


def reading_columns() -> tuple[Column, ...]:
    """Return the columns of the counts of one reading."""
    return tuple(Column(one.name, INTEGER, one.sentence, required=True) for one in READING_COUNTS)


def summed_columns() -> tuple[Column, ...]:
    """Return the columns of the counts of a source, summed over its files."""
    return tuple(
        Column(one.summed_as, INTEGER, one.sentence, required=True)
        for one in READING_COUNTS
        if one.summed_as is not None
    )


def add_reading(counts: SourceCounts, count_of: Callable[[str], int], *, is_file: bool) -> None:
    """Add the counts of a reading, from `count_of(name)`, to those of its source."""
    for one in READING_COUNTS:
        if one.summed_as is not None and (is_file or not one.is_of_bytes):
            setattr(counts, one.summed_as, getattr(counts, one.summed_as) + count_of(one.name))
