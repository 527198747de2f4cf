"""Shows the archive's record of a copy at another place, for `extract copy list` and `extract status`."""

from models.amounts import moment, plural, size
from pipelines.archive.known_copies import KnownCopy


def copy_lines(known: KnownCopy) -> list[str]:
    """Return the archive's record of a copy, in lines for people."""
    lines = [f"synced {moment(known.synced_at)}, {plural(known.files, 'file')}, {size(known.size)}"]
    if known.synced_at is None:
        lines = ["never synced completely"]
    if known.problem is not None:
        lines.append(f"the last sync, {moment(known.tried_at)}, was not complete: {known.problem}")
    if known.verified_at is None:
        lines.append("never verified")
    else:
        found = plural(known.findings, "finding") if known.findings else "all digests as written"
        if known.findings and (known.synced_at or "") > known.verified_at:
            found += ", synced since"
        lines.append(f"verified {moment(known.verified_at)}: {found}")
    return lines
