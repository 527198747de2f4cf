"""The fixity check: digests again the bytes of each file that were read, and sets its outcome: intact, appended,
modified, missing, corrupt or unreadable.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from extractors.home.home import HeldDirectory, Home
from extractors.reading.erasure import Tombstones
from extractors.reading.extract import digest_file
from models.erased import Erased
from models.errors import SourceError, Vanished
from models.manifest import FileState, Outcome
from pipelines.run.processes import run_in_processes

_UNRELIABLE_NS: Final = 2_000_000_000
_COST_OF_OPENING: Final = 64 << 10
"""The cost of opening a file, as the bytes that can be read and digested in that time."""
_GROUP_BYTES: Final = 16 << 20


class Claim(NamedTuple):
    """A statement of the manifest about a file, which the check has to confirm: its first `size` bytes have this
    XXH3-128, and it had these times when they were read.

    `pinned_ns` is the time before it was read. File times within two seconds of it prove nothing: a write sets them
    when it begins, and more content may follow under the same times. `erased` are the spans that `extract forget`
    erased; the digests do not cover them (`extractors.reading.erasure`).
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
    def has_reliable_times(self) -> bool:
        """Whether any change of the content after the read must have changed the times."""
        return self.pinned_ns is None or max(self.mtime_ns, self.ctime_ns) < self.pinned_ns - _UNRELIABLE_NS


def claim_of(state: FileState, tombstones: Tombstones | None, pinned_ns: int | None = None) -> Claim:
    """Return the claim that a manifest row makes about its file."""
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
    """The result of one check: the outcome, the digest compared (`xxh3`, `sha256`, `none`), a detail for people, and
    the file's size in bytes now; None if the file is missing or unreadable.
    """

    outcome: Outcome
    check_made: str
    detail: str | None
    size: int | None


def judge(place: Home | HeldDirectory, claim: Claim, *, deep: bool = False) -> Judgement:
    """Read the claimed bytes again and return the outcome. With `deep`, compare the SHA-256 too."""
    check = "sha256" if deep and claim.sha256 else "xxh3"
    try:
        stat, xxh3, sha = digest_file(
            place, claim.path, claim.size, deep=deep, erased=claim.erased, tombstones=claim.tombstones
        )
    except Vanished:
        return Judgement(Outcome.MISSING, "none", "no longer there when it was digested again", None)
    except SourceError as error:
        return Judgement(Outcome.UNREADABLE, "none", str(error), None)
    same_times = (stat.mtime_ns, stat.ctime_ns) == (claim.mtime_ns, claim.ctime_ns)
    if stat.size < claim.size:
        return Judgement(Outcome.MODIFIED, check, f"now {stat.size} bytes, {claim.size} were read", stat.size)
    if xxh3 != claim.content_xxh3 or (deep and claim.sha256 is not None and sha != claim.sha256):
        if same_times and stat.size == claim.size and claim.has_reliable_times:
            return Judgement(Outcome.CORRUPT, check, "the content changed, but size and times did not", stat.size)
        return Judgement(Outcome.MODIFIED, check, "the bytes that were read have other content now", stat.size)
    if stat.size > claim.size:
        return Judgement(Outcome.APPENDED, check, f"{stat.size - claim.size} bytes more", stat.size)
    return Judgement(Outcome.INTACT, check, None, stat.size)


def judge_all(home: Home, claims: Sequence[Claim], *, deep: bool = False, processes: int = 1) -> list[Judgement]:
    """Check claims and return the judgements in the same order; uses up to `processes` processes if there is enough
    to read.
    """
    groups = _groups(claims)
    weights = [sum(_weight(claims[number]) for number in group) for group in groups]
    judge_group = partial(_judge_group, home, claims, deep=deep)
    made = zip(groups, run_in_processes(judge_group, groups, weights, processes), strict=True)
    found = {number: one for group, judgements in made for number, one in zip(group, judgements, strict=True)}
    return [found[number] for number in range(len(claims))]


def _weight(claim: Claim) -> int:
    return claim.size + _COST_OF_OPENING


def _directory(claim: Claim) -> bytes:
    return claim.path.rpartition(b"/")[0]


def _groups(claims: Sequence[Claim]) -> list[list[int]]:
    """Return the indexes of claims in groups, each of one directory and of about 16 MB at most."""
    groups: list[list[int]] = []
    in_order = sorted(range(len(claims)), key=lambda number: _directory(claims[number]))
    for _, of_directory in groupby(in_order, lambda number: _directory(claims[number])):
        left = 0
        for number in of_directory:
            if left <= 0:
                groups.append([])
                left = _GROUP_BYTES
            groups[-1].append(number)
            left -= _weight(claims[number])
    return groups


def _judge_group(home: Home, claims: Sequence[Claim], group: Sequence[int], *, deep: bool) -> list[Judgement]:
    """Check claims of one directory. Opens the files in the held directory; if the directory was replaced meanwhile or
    cannot be opened, opens each file by its full path.
    """
    if len(group) > 1:
        try:
            with home.hold(_directory(claims[group[0]])) as directory:
                made = [judge(directory, claims[number], deep=deep) for number in group]
                if directory.is_in_place():
                    return made
        except SourceError:
            pass  # the directory cannot be opened: each file below reports its own error
    return [judge(home, claims[number], deep=deep) for number in group]
