"""The facts on files: how each compares with the bytes that are kept, and what the archive has that a home has lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.report.listing import Listing


@dataclass(frozen=True, slots=True)
class OutcomeFacts:
    """How many files had one outcome, and their bytes. `others` are directories, links and special files, which have no
    bytes, and of the expired also the files that no run had read.
    """

    outcome: str
    sentence: str
    files: int
    others: int
    size: int


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What the outcomes of files whose bytes are kept rest on."""

    check: str
    sentence: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file that is not simply intact. `modified_at` is its time of modification as the snapshot pinned it."""

    address: str
    source: str
    outcome: str
    detail: str
    check: str
    size: int
    modified_at: str


@dataclass(frozen=True, slots=True)
class KeptFacts:
    """Files whose bytes are kept, by how they stood when they were digested again."""

    files: int
    read: int
    intact: int
    appended: int
    modified: int
    missing: int
    unreadable: int
    corrupt: int
    unchecked: int


@dataclass(frozen=True, slots=True)
class FixityFacts:
    """Fixity after the flow. Of `never_read` (unreadable) and `gone_unread` no run has read a byte."""

    outcomes: Sequence[OutcomeFacts]
    checks: Sequence[CheckFacts]
    kept: KeptFacts
    never_read: int
    gone_unread: int
    expired_now: int
    expired_before: int
    access_times_kept: int
    access_times_not_kept: int
    files: Listing[FileFact]
    appeared: Listing[str]


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """The files that one rule withholds, or lists without reading. Folders are counted, not named."""

    rule: str
    why: str
    files: int
    others: int
    size: int
    names: Listing[str]


@dataclass(frozen=True, slots=True)
class GoneFacts:
    """The files of one source that are gone from a home and kept in the archive. `files_now` disappeared since the run
    before, `files_before` earlier; `size` is in bytes, of both.
    """

    source: str
    files_now: int
    files_before: int
    size: int


@dataclass(frozen=True, slots=True)
class GrowthFacts:
    """What one run of the archive added: bytes that the store did not hold, and messages that no run had seen."""

    run_id: str
    started_at: str
    bytes_kept_new: int
    messages_new: int


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """How the archive stands after the run, over all its runs.

    `quarantined` counts the entries in quarantine of all runs, this one included. `gone` covers the phases that the
    run did. `growth` are the last runs, the oldest first.
    """

    quarantined: int
    quarantined_sql: str
    gone: Sequence[GoneFacts]
    growth: Sequence[GrowthFacts]

    @property
    def files_gone(self) -> int:
        """Files that are gone from their home and kept."""
        return sum(one.files_now + one.files_before for one in self.gone)

    @property
    def bytes_gone(self) -> int:
        """The bytes that these files held."""
        return sum(one.size for one in self.gone)
