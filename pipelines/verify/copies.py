"""Checks the second copies of small critical files, head.json, which names the last committed run, and the archive's
records of its copies at other places.
"""

from pathlib import Path

from models.findings import copies as codes
from models.seal import SealError, unsealed
from models.text import printable_path
from pipelines.archive.copies import listings, manifests_of
from pipelines.archive.evidence import is_copy_older
from pipelines.disk.atomic import read_regular
from pipelines.verify.context import Context, unreadable
from pipelines.verify.records import MalformedRecord, read_object
from pipelines.verify.sizes import digest


def check_head(context: Context) -> None:
    """Check that the run named in head.json exists."""
    path = context.layout.head_file
    address = context.address(path)
    heads = []
    for one in (path, context.layout.copy_of(path)):
        try:
            heads.append(read_object(one))
        except FileNotFoundError:
            if one == path and context.runs:
                context.findings.append(codes.HEAD_GONE.at(address))
        except (SealError, MalformedRecord) as error:
            if one == path:
                context.findings.append(codes.HEAD_BROKEN.at(address, problem=str(error)))
    newest = max((run.epoch for run in context.runs), default=0)
    for head in heads[:1]:
        epoch = head.get("epoch")
        if isinstance(epoch, int) and epoch > newest and not context.unusable:
            context.findings.append(codes.NEWEST_GONE.at(address, run=str(head.get("run_id")), epoch=epoch))


def check_destinations(context: Context) -> None:
    """Check the files that name copies at other places, and that the archive has the newest run of each."""
    layout = context.layout
    for path in sorted(layout.destinations.glob("*.json")):
        try:
            known = read_object(path)
        except (SealError, MalformedRecord) as error:
            context.findings.append(codes.PLACE_BROKEN.at(context.address(path), problem=str(error)))
            continue
        run_id, epoch = known.get("run_id"), known.get("epoch")
        is_here = run_id in {run.run_id for run in context.runs} or run_id in context.unusable
        if isinstance(run_id, str) and isinstance(epoch, int) and not is_here:
            place = printable_path(str(known.get("place")).encode("utf-8", "surrogateescape"))
            found = codes.COPY_AHEAD.at(context.address(path), place=place, run=run_id, epoch=epoch)
            context.findings.append(found)


def check_copies(context: Context) -> None:
    """Compare each second copy with its original; at level quick, check only that it exists."""
    layout = context.layout
    sealed = [layout.commit_record(run.run_id) for run in context.runs]
    sealed += [path for path in listings(layout) if path.exists()]
    for path in sealed:
        copy = layout.copy_of(path)
        if not _is_there(context, copy, path):
            continue
        # A verification that was killed leaves an older copy of the list of evidence: it holds no lock.
        may_be_older = context.stopped is not None or (path == layout.evidence_file and not is_copy_older(layout))
        if not context.is_quick and not _is_whole(path, copy, may_be_older=may_be_older):
            context.findings.append(codes.COPY_BROKEN.at(context.address(copy), original=context.address(path)))
    for part in manifests_of(context.runs):
        path = layout.root / part.path
        copy = layout.copy_of(path)
        if not _is_there(context, copy, path) or context.is_quick:
            continue
        try:
            is_whole = digest(copy, context.observer.advances) == part.sha256
        except OSError as error:
            context.findings.append(unreadable(context, error))
            continue
        if not is_whole:
            context.findings.append(codes.COPY_BROKEN.at(context.address(copy), original=part.path))


def _is_there(context: Context, copy: Path, original: Path) -> bool:
    if copy.is_file():
        return True
    context.findings.append(codes.COPY_GONE.at(context.address(copy), original=context.address(original)))
    return False


def _is_whole(original: Path, copy: Path, *, may_be_older: bool) -> bool:
    """Whether a copy is undamaged, and equal to its original if that is undamaged, unless it `may_be_older`."""
    try:
        held = unsealed(read_regular(copy), copy.suffix)
    except (SealError, OSError):
        return False
    try:
        return may_be_older or held == unsealed(read_regular(original), original.suffix)
    except (SealError, OSError):
        return True
