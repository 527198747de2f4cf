"""The facts on files: how they compare with the archived bytes, and which files only the archive still has."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.report.listing import Listing


@dataclass(eq=False, repr=False)
class OutcomeFacts:
    """The number of files with one outcome, and their size in bytes. `others` counts directories, links and special
    files, which have no bytes, and among the expired also files that no run had read.
    """

    outcome: str
    sentence: str
    files: int
    others: int
    size: int


@dataclass(eq=False, repr=False)
class CheckFacts:
    """The number of archived files whose outcome one check determined."""

    check: str
    sentence: str
    files: int
    size: int


@dataclass(eq=False, repr=False)
class FileFact:
    """A file that is not intact. `modified_at` is its modification time in the snapshot."""

    address: str
    source: str
    outcome: str
    detail: str
    check: str
    size: int
    modified_at: str


@dataclass(eq=False, repr=False)
class KeptFacts:
    """Numbers of archived files by the outcome of digesting them again."""

    files: int
    read: int
    intact: int
    appended: int
    modified: int
    missing: int
    unreadable: int
    corrupt: int
    unchecked: int


@dataclass(eq=False, repr=False)
class FixityFacts:
    """Fixity at the end of the run. No run has read a byte of the files in `never_read` (unreadable) and
    `gone_unread`.
    """

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


@dataclass(eq=False, repr=False)
class RuleFacts:
    """The files that one rule withholds or only lists. Directories are counted, not named."""

    rule: str
    why: str
    files: int
    others: int
    size: int
    names: Listing[str]


@dataclass(eq=False, repr=False)
class GoneFacts:
    """The archived files of one source that are gone from a home. `files_now` disappeared since the run before,
    `files_before` earlier; `size` is in bytes, of both.
    """

    source: str
    files_now: int
    files_before: int
    size: int


@dataclass(eq=False, repr=False)
class GoneProject:
    """The archived files of one project that are gone from a home. `directory` is its name below `projects/`."""

    directory: str
    files: int


@dataclass(eq=False, repr=False)
class GrowthFacts:
    """The growth of the archive by one run: bytes that the store did not have, and messages that no earlier run
    had read.
    """

    run_id: str
    started_at: str
    bytes_kept_new: int
    messages_new: int


@dataclass(eq=False, repr=False)
class RetentionFacts:
    """One `extract retention`: its time (ISO 8601, UTC), its rules, and the files and bytes that it deleted."""

    deleted_at: str
    rules: str
    files: int
    size: int


@dataclass(eq=False, repr=False)
class StandingFacts:
    """The state of the archive after the run, over all its runs.

    `quarantined` counts the entries in quarantine of all runs, this one included. `gone` covers the phases that the
    run did; `gone_projects` has the projects with most such files, the largest first. `growth` has the last runs,
    oldest first, `retentions` the last deletions by age until now, newest first.
    """

    quarantined: int
    quarantined_sql: str
    gone: Sequence[GoneFacts]
    gone_projects: Sequence[GoneProject]
    growth: Sequence[GrowthFacts]
    retentions: Sequence[RetentionFacts]

    @property
    def files_gone(self) -> int:
        """The number of archived files that are gone from their home."""
        return sum(one.files_now + one.files_before for one in self.gone)

    @property
    def bytes_gone(self) -> int:
        """The size of these files in bytes."""
        return sum(one.size for one in self.gone)
