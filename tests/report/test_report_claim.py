"""The headline and the claim of a report: they agree with the facts, and change with them."""

from dataclasses import replace

import pytest

from models.run import SourceCounts
from pipelines.report.claim import Ground, claim_of, verdict_of
from pipelines.report.facts import Balance
from pipelines.report.file_facts import FixityFacts, KeptFacts, OutcomeFacts
from pipelines.report.listing import Listing

KEPT = KeptFacts(files=10, read=10, intact=10, appended=0, modified=0, missing=0, unreadable=0, corrupt=0, unchecked=0)
FIXITY = FixityFacts(
    outcomes=[],
    checks=[],
    kept=KEPT,
    never_read=0,
    gone_unread=0,
    expired_now=0,
    expired_before=0,
    access_times_kept=10,
    access_times_not_kept=0,
    files=Listing(0, []),
    appeared=Listing(0, []),
)
PLAIN = Ground(
    is_complete=True,
    total=SourceCounts(files_read=10, entries=100, entries_with_rows=100),
    balance=Balance(True, 10, Listing(0, [])),
    fixity=FIXITY,
    withheld=0,
    listed=0,
    problems=0,
)


def with_kept(**counts: int) -> Ground:
    return replace(PLAIN, fixity=replace(FIXITY, kept=replace(KEPT, **counts)))


def unreadable(*, never: int = 0, kept: int = 0) -> Ground:
    outcomes = [OutcomeFacts("unreadable", "", never + kept, 0, 0)]
    counts = replace(KEPT, intact=10 - kept, unreadable=kept)
    return replace(PLAIN, fixity=replace(FIXITY, outcomes=outcomes, never_read=never, kept=counts))


def test_a_plain_run_claims_both_digests_and_nothing_else() -> None:
    assert verdict_of(PLAIN).headline == "Verified"
    assert claim_of(PLAIN) == (
        "Verified: 10 files were read, and the store has exactly the bytes that were read (SHA-256 computed in the "
        "same read); 10 of 10 archived files in the homes still had the archived bytes when they were digested again "
        "(XXH3-128); nothing else is claimed."
    )


@pytest.mark.parametrize(
    ("ground", "level", "headline", "sentences"),
    [
        (
            replace(PLAIN, mended=2),
            "broken",
            "The archive was damaged: 2 damaged files were restored by this run",
            ["Not verified: ", "2 damaged files were restored by this run, and `extract verify` has not checked"],
        ),
        (with_kept(read=0), "verified", "Verified; nothing new", ["nothing was new, so no file was read", "10 of 10"]),
        (
            with_kept(intact=8, appended=2),
            "verified",
            "Verified",
            ["10 of 10 archived files", "2 of these were appended to while the run worked"],
        ),
        (
            with_kept(intact=9, modified=1),
            "verified",
            "Verified as read; 1 file changed while the run worked",
            ["9 of 10 archived files", "1 file was changed while the run worked, and kept as read"],
        ),
        (
            with_kept(intact=8, missing=2),
            "verified",
            "Verified as read; 2 files changed while the run worked",
            ["8 of 10 archived files", "2 files were gone by then, and kept as read"],
        ),
        (with_kept(intact=9, unchecked=1), "verified", "Verified", ["1 archived file was not checked"]),
        (
            unreadable(never=2),
            "incomplete",
            "Incomplete: 2 paths could not be read",
            ["Verified as far as files could be read: ", "2 paths could not be read, and nothing of them is kept"],
        ),
        (
            unreadable(kept=1),
            "incomplete",
            "Incomplete: 1 path could not be read",
            ["9 of 10 archived files", "1 archived file could not be read again"],
        ),
        (
            replace(PLAIN, fixity=replace(FIXITY, gone_unread=1)),
            "verified",
            "Verified",
            ["1 file was gone before the first reading"],
        ),
        (
            replace(PLAIN, total=SourceCounts(files_read=10, entries=9, entries_with_rows=8, rejects=1)),
            "rejects",
            "Verified, with 1 entry in quarantine",
            ["1 entry could not be understood and is kept in quarantine"],
        ),
        (
            with_kept(intact=8, corrupt=2),
            "broken",
            "Fixity is broken: other content in 2 files, same size and times",
            ["Not verified: ", "8 of 10", "2 files have other content though size and times are the same"],
        ),
        (
            replace(PLAIN, balance=Balance(False, 10, Listing(3, []))),
            "broken",
            "The counts of this run contradict one another",
            ["Not verified: ", "do not add up", "in 3 places"],
        ),
        (
            replace(PLAIN, problems=1),
            "broken",
            "1 file of the archive cannot be read back",
            ["Not verified: ", "1 committed file could not be read back"],
        ),
        (replace(PLAIN, errors=2), "broken", "Verification found 2 errors", ["Not verified: ", "found 2 errors"]),
        (
            replace(PLAIN, is_complete=False),
            "incomplete",
            "Not finished: the run stopped before its warehouse was published",
            ["Verified: "],
        ),
        (
            with_kept(files=0, read=0, intact=0),
            "verified",
            "Nothing to verify: no file was read",
            ["Nothing was verified: ", "this archive has no bytes of any file"],
        ),
        (
            replace(PLAIN, withheld=15, listed=1),
            "verified",
            "Verified",
            ["15 files were withheld and never opened", "1 file was only listed"],
        ),
    ],
)
def test_the_claim_changes_with_the_facts(ground: Ground, level: str, headline: str, sentences: list[str]) -> None:
    claim, verdict = claim_of(ground), verdict_of(ground)
    assert (verdict.level, verdict.headline) == (level, headline)
    assert all(sentence in claim for sentence in sentences), claim
    assert claim.endswith("nothing else is claimed.")
    assert claim != claim_of(PLAIN) or not ground.is_complete
    assert claim.count(".") == 1


def test_the_gravest_decides_the_headline_and_the_claim_names_all() -> None:
    ground = replace(
        unreadable(never=1),
        balance=Balance(False, 10, Listing(1, [])),
        total=SourceCounts(entries=3, entries_with_rows=1, rejects=1),
        problems=1,
    )
    assert verdict_of(ground).level == "broken"
    claim = claim_of(ground)
    for words in ("in 1 place", "could not be read back", "nothing of it is kept", "kept in quarantine"):
        assert words in claim
