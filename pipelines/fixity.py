"""Digests again what was consumed, and judges each file: intact, appended, modified, missing, corrupt, unreadable."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from extractors._erasure import Erased, Tombstones
from extractors._extract import digest_file
from extractors._source import Home, Stat
from models.errors import SourceError, Vanished
from pipelines.manifest import FileState


class Outcome(StrEnum):
    """What a file's bytes are against what a manifest says of them."""

    INTACT = "intact"
    APPENDED = "appended"
    MODIFIED = "modified"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    UNREADABLE = "unreadable"
    WITHHELD = "withheld"
    CORRUPT = "corrupt"
    UNCHECKED = "unchecked"
    EXPIRED = "expired"
    MOVED = "moved"


BROKEN = frozenset({Outcome.CORRUPT})
"""Outcomes that no owner of a home can have brought about by using it."""


_YOUNG_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of a file: that its first `size` bytes have this XXH3-128, and the times it had when they were
    read.

    `pinned_ns` is when it was about to be read. Times that were young then prove nothing: they are set when a write
    begins, and content may follow under the same ones. `erased` are spans that were erased on request, which the
    digests do not cover (`extractors._erasure`).
    """

    path: bytes
    size: int
    content_xxh3: bytes
    mtime_ns: int
    ctime_ns: int
    sha256: str | None = None
    pinned_ns: int | None = None
    erased: Sequence[Erased] = ()
    tombstones: Tombstones | None = None

    @property
    def has_telling_times(self) -> bool:
        """Whether content cannot have changed after the read without the times' telling."""
        return self.pinned_ns is None or max(self.mtime_ns, self.ctime_ns) < self.pinned_ns - _YOUNG_NS


def claim_of(state: FileState, tombstones: Tombstones | None, pinned_ns: int | None = None) -> Claim:
    """Return what a row of a manifest claims of its file."""
    return Claim(
        state.path_bytes,
        state.size,
        state.content_xxh3 or b"",
        state.mtime_ns,
        state.ctime_ns,
        state.sha256,
        pinned_ns,
        state.erased,
        tombstones,
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one claim, what it rests on, and what was found."""

    outcome: Outcome
    check_made: str
    detail: str | None
    stat: Stat | None


def judge(home: Home, claim: Claim, *, deep: bool = False) -> Judgement:
    """Read the claimed bytes once more and judge them. `deep` compares the SHA-256 too."""
    check = "sha256" if deep and claim.sha256 else "xxh3"
    try:
        stat, xxh3, sha = digest_file(
            home, claim.path, claim.size, deep=deep, erased=claim.erased, tombstones=claim.tombstones
        )
    except Vanished:
        return Judgement(Outcome.MISSING, "none", "gone when it was digested again", None)
    except SourceError as error:
        return Judgement(Outcome.UNREADABLE, "none", str(error), None)
    same_times = (stat.mtime_ns, stat.ctime_ns) == (claim.mtime_ns, claim.ctime_ns)
    if stat.size < claim.size:
        return Judgement(Outcome.MODIFIED, check, f"now {stat.size} bytes, {claim.size} were read", stat)
    if xxh3 != claim.content_xxh3 or (deep and claim.sha256 is not None and sha != claim.sha256):
        if same_times and stat.size == claim.size and claim.has_telling_times:
            return Judgement(Outcome.CORRUPT, check, "the content differs though size and times do not", stat)
        return Judgement(Outcome.MODIFIED, check, "other content in the bytes that were read", stat)
    if stat.size > claim.size:
        return Judgement(Outcome.APPENDED, check, f"{stat.size - claim.size} bytes more", stat)
    return Judgement(Outcome.INTACT, check, None, stat)


def judge_all(home: Home, claims: Sequence[Claim], *, deep: bool = False) -> list[Judgement]:
    """Judge claims in order."""
    return [judge(home, claim, deep=deep) for claim in claims]
