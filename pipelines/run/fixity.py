"""Digests again what was consumed, and judges each file: intact, appended, modified, missing, corrupt, unreadable."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from extractors.home.home import HeldDirectory, Home
from extractors.reading.erasure import Tombstones
from extractors.reading.extract import digest_file
from models.errors import SourceError, Vanished
from models.manifest import Erased, FileState, Outcome
from pipelines.run.processes import spread

_YOUNG_NS: Final = 2_000_000_000
_BYTES_OF_AN_OPENING: Final = 64 << 10
"""So many bytes are read and digested in the time that it takes to open a file."""
_TOGETHER: Final = 16 << 20


class Claim(NamedTuple):
    """What is claimed of a file: that its first `size` bytes have this XXH3-128, and the times it had when they were
    read.

    `pinned_ns` is when it was about to be read. Times that were young then prove nothing: they are set when a write
    begins, and content may follow under the same ones. `erased` are spans that were erased on request, which the
    digests do not cover (`extractors.reading.erasure`).
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


class Judgement(NamedTuple):
    """The outcome for one claim, what it rests on, what was found, and how many bytes the file has now, if there is
    one.
    """

    outcome: Outcome
    check_made: str
    detail: str | None
    size: int | None


def judge(place: Home | HeldDirectory, claim: Claim, *, deep: bool = False) -> Judgement:
    """Read the claimed bytes once more and judge them. `deep` compares the SHA-256 too."""
    check = "sha256" if deep and claim.sha256 else "xxh3"
    try:
        stat, xxh3, sha = digest_file(
            place, claim.path, claim.size, deep=deep, erased=claim.erased, tombstones=claim.tombstones
        )
    except Vanished:
        return Judgement(Outcome.MISSING, "none", "gone when it was digested again", None)
    except SourceError as error:
        return Judgement(Outcome.UNREADABLE, "none", str(error), None)
    same_times = (stat.mtime_ns, stat.ctime_ns) == (claim.mtime_ns, claim.ctime_ns)
    if stat.size < claim.size:
        return Judgement(Outcome.MODIFIED, check, f"now {stat.size} bytes, {claim.size} were read", stat.size)
    if xxh3 != claim.content_xxh3 or (deep and claim.sha256 is not None and sha != claim.sha256):
        if same_times and stat.size == claim.size and claim.has_telling_times:
            return Judgement(Outcome.CORRUPT, check, "the content differs though size and times do not", stat.size)
        return Judgement(Outcome.MODIFIED, check, "other content in the bytes that were read", stat.size)
    if stat.size > claim.size:
        return Judgement(Outcome.APPENDED, check, f"{stat.size - claim.size} bytes more", stat.size)
    return Judgement(Outcome.INTACT, check, None, stat.size)


def judge_all(home: Home, claims: Sequence[Claim], *, deep: bool = False, processes: int = 1) -> list[Judgement]:
    """Judge claims, and return what was found in their order. Spread over processes where there is enough to read."""
    groups = _groups(claims)
    weights = [sum(_weight(claims[number]) for number in group) for group in groups]
    judge_group = partial(_judge_group, home, claims, deep=deep)
    made = zip(groups, spread(judge_group, groups, weights, processes), strict=True)
    found = {number: one for group, judgements in made for number, one in zip(group, judgements, strict=True)}
    return [found[number] for number in range(len(claims))]


def _weight(claim: Claim) -> int:
    return claim.size + _BYTES_OF_AN_OPENING


def _directory(claim: Claim) -> bytes:
    return claim.path.rpartition(b"/")[0]


def _groups(claims: Sequence[Claim]) -> list[list[int]]:
    """Return the numbers of claims in groups, each of one directory and not too many bytes."""
    groups: list[list[int]] = []
    in_order = sorted(range(len(claims)), key=lambda number: _directory(claims[number]))
    for _, of_directory in groupby(in_order, lambda number: _directory(claims[number])):
        left = 0
        for number in of_directory:
            if left <= 0:
                groups.append([])
                left = _TOGETHER
            groups[-1].append(number)
            left -= _weight(claims[number])
    return groups


def _judge_group(home: Home, claims: Sequence[Claim], group: Sequence[int], *, deep: bool) -> list[Judgement]:
    """Judge claims of one directory, each in the file to which its path leads."""
    if len(group) > 1:
        try:
            with home.hold(_directory(claims[group[0]])) as directory:
                made = [judge(directory, claims[number], deep=deep) for number in group]
                if directory.is_in_place():
                    return made
        except SourceError:
            pass  # the way to the directory is barred: what bars it is told file by file
    return [judge(home, claims[number], deep=deep) for number in group]
