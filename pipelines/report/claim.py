"""Makes the headline of a run and the one sentence on what it verified: they claim no more than its facts show."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from models.amounts import count, plural
from models.run import SourceCounts
from pipelines.report.facts import Balance, Verdict
from pipelines.report.file_facts import FixityFacts


@dataclass(frozen=True, slots=True)
class Ground:
    """The facts from which the claim is made. `withheld` and `listed` count files; `problems` committed files that
    could not be read back; `errors` findings of `extract verify` with the severity error; `damaged` files of the
    archive that are changed or missing, `mended` those that the run restored; `in_the_way` paths where an entry of
    another kind is in place of data;
    `quarantined` quarantined entries of all runs. `homes_not_found` are the known homes that the run did not find.
    """

    is_complete: bool
    total: SourceCounts
    balance: Balance
    fixity: FixityFacts
    withheld: int
    listed: int
    problems: int
    errors: int = 0
    quarantined: int = 0
    damaged: int = 0
    mended: int = 0
    in_the_way: int = 0
    homes_not_found: Collection[str] = ()


def verdict_of(ground: Ground) -> Verdict:
    """Return the level and the headline of the gravest fact."""
    kept = ground.fixity.kept
    unreadable = _unreadable(ground)
    changed = kept.modified + kept.missing
    if kept.corrupt:
        return Verdict(
            "broken", f"Fixity is broken: other content in {plural(kept.corrupt, 'file')}, same size and times"
        )
    if not ground.balance.holds:
        return Verdict("broken", "The counts of this run contradict one another")
    if ground.damaged:
        files = plural(ground.damaged, "committed file is", "committed files are")
        return Verdict("broken", f"The archive is damaged: {files} changed or missing")
    if ground.problems:
        return Verdict("broken", f"{plural(ground.problems, 'file')} of the archive cannot be read back")
    if ground.errors:
        return Verdict("broken", f"Verification found {plural(ground.errors, 'error')}")
    if ground.mended:
        return Verdict("broken", f"The archive was damaged: {_restored(ground)}")
    if unreadable:
        return Verdict("incomplete", f"Incomplete: {plural(unreadable, 'path')} could not be read")
    if ground.in_the_way:
        paths = plural(ground.in_the_way, "path")
        return Verdict("incomplete", f"Incomplete: an entry of another kind is in place of data at {paths}")
    if ground.homes_not_found:
        names = ", ".join(sorted(ground.homes_not_found))
        return Verdict("incomplete", f"Incomplete: {plural(len(ground.homes_not_found), 'home')} not found: {names}")
    if not ground.is_complete:
        return Verdict("incomplete", "Not finished: the run stopped before its warehouse was published")
    if ground.total.rejects:
        entries = plural(ground.total.rejects, "entry", "entries")
        return Verdict("rejects", f"Verified, with {entries} in quarantine")
    if ground.quarantined:
        entries = plural(ground.quarantined, "entry", "entries")
        news = "; nothing new" if kept.files and not kept.read else ""
        return Verdict("rejects", f"Verified{news}, with {entries} of earlier runs in quarantine")
    if changed:
        return Verdict("verified", f"Verified as read; {plural(changed, 'file')} changed while the run worked")
    if kept.files and not kept.read:
        return Verdict("verified", "Verified; nothing new")
    if not kept.files:
        return Verdict("verified", "Nothing to verify: no file was read")
    return Verdict("verified", "Verified")


def claim_of(ground: Ground) -> str:
    """Return the one sentence on the verification: how many files, by which digest, and which were not checked."""
    pieces = [*_kept(ground), *_exceptions(ground), *_left_out(ground), "nothing else is claimed."]
    return _lead(ground) + "; ".join(pieces)


def _lead(ground: Ground) -> str:
    kept = ground.fixity.kept
    broken = (kept.corrupt, not ground.balance.holds, ground.problems, ground.errors, ground.damaged, ground.mended)
    if any(broken):
        return "Not verified: "
    if not kept.files:
        return "Nothing was verified: "
    return "Verified as far as files could be read: " if _unreadable(ground) or ground.in_the_way else "Verified: "


def _kept(ground: Ground) -> Iterator[str]:
    kept = ground.fixity.kept
    if kept.read:
        files = plural(kept.read, "file was", "files were")
        yield (f"{files} read, and the store has exactly the bytes that were read (SHA-256 computed in the same read)")
    elif kept.files:
        yield "nothing was new, so no file was read"
    if not kept.files:
        yield "this archive has no bytes of any file of the phases that were done"
        return
    held = kept.intact + kept.appended
    yield (
        f"{count(held)} of {plural(kept.files, 'archived file')} in the homes still had the archived bytes when they "
        "were digested again (XXH3-128)"
    )


def _exceptions(ground: Ground) -> Iterator[str]:
    fixity, kept = ground.fixity, ground.fixity.kept
    if kept.appended:
        yield f"{count(kept.appended)} of these {_was(kept.appended)} appended to while the run worked"
    if kept.corrupt:
        yield f"{plural(kept.corrupt, 'file has', 'files have')} other content though size and times are the same"
    if not ground.balance.holds:
        places = plural(ground.balance.contradictions.total, "place")
        yield f"entries do not add up to entries with rows and rejects, or the counts differ, in {places}"
    if ground.damaged:
        yield f"{plural(ground.damaged, 'committed file is', 'committed files are')} changed or missing"
    if ground.mended:
        yield f"{_restored(ground)}, and `extract verify` has not checked the archive since"
    if ground.problems:
        yield f"{plural(ground.problems, 'committed file')} could not be read back, so counts here are too low"
    if ground.errors:
        yield f"extract verify found {plural(ground.errors, 'error')}"
    if kept.modified:
        yield f"{plural(kept.modified, 'file was', 'files were')} changed while the run worked, and kept as read"
    if kept.missing:
        yield f"{plural(kept.missing, 'file was', 'files were')} gone by then, and kept as read"
    if kept.unreadable:
        yield f"{plural(kept.unreadable, 'archived file')} could not be read again"
    if kept.unchecked:
        yield f"{plural(kept.unchecked, 'archived file was', 'archived files were')} not checked"
    if fixity.never_read:
        yield f"{plural(fixity.never_read, 'path')} could not be read, and nothing of {_it(fixity.never_read)} is kept"
    if ground.in_the_way:
        paths = plural(ground.in_the_way, "path")
        yield f"a link or a file is at {paths} where data is expected, and was not read"
    if fixity.gone_unread:
        yield f"{plural(fixity.gone_unread, 'file was', 'files were')} gone before the first reading"
    if ground.total.rejects:
        entries = plural(ground.total.rejects, "entry", "entries")
        yield f"{entries} could not be understood and {_is(ground.total.rejects)} kept in quarantine"
    if before := ground.quarantined - ground.total.rejects:
        yield f"{plural(before, 'entry', 'entries')} of earlier runs {_is(before)} kept in quarantine"


def _left_out(ground: Ground) -> Iterator[str]:
    if ground.withheld:
        yield f"{plural(ground.withheld, 'file was', 'files were')} withheld and never opened"
    if ground.listed:
        yield f"{plural(ground.listed, 'file was', 'files were')} only listed"


def _unreadable(ground: Ground) -> int:
    return next((one.files + one.others for one in ground.fixity.outcomes if one.outcome == "unreadable"), 0)


def _restored(ground: Ground) -> str:
    return f"{plural(ground.mended, 'damaged file was', 'damaged files were')} restored by this run"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _it(number: int) -> str:
    return "it" if number == 1 else "them"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
