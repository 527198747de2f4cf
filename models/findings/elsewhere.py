"""C: copies of the archive at other places, as `extract copy verify` and `extract copy sync` find them."""

from typing import Final

from models.finding import Command, Kind, Severity

_NEXT_SYNC: Final = "Nothing: the next `extract copy sync` puts it there again from the archive."
_REPAIR: Final = "`extract repair --from COPY` mends the archive from the copy. Until then the copy keeps its files."

GONE: Final = Kind("C101", Severity.ERROR, Command.COPY, "The copy has lost this file.", _NEXT_SYNC, is_fixity=True)
BROKEN: Final = Kind(
    "C102",
    Severity.ERROR,
    Command.COPY,
    "The file at the copy was changed or damaged: {problem}.",
    _NEXT_SYNC,
    is_fixity=True,
)
FOREIGN: Final = Kind(
    "C103",
    Severity.WARNING,
    Command.COPY,
    "This {what} at the copy does not belong to the archive.",
    "Look at it, and delete it if you do not need it there. Nothing reads it, and nothing brings it into the archive.",
)
IDENTITY: Final = Kind(
    "C104",
    Severity.ERROR,
    Command.COPY,
    "The copy names another archive in this file than in copy.json.",
    _NEXT_SYNC,
    is_fixity=True,
)
AHEAD: Final = Kind(
    "C105",
    Severity.ERROR,
    Command.COPY,
    "The copy has {what}, which the archive lacks.",
    _REPAIR,
    is_fixity=True,
)
OLDER_HERE: Final = Kind(
    "C106",
    Severity.ERROR,
    Command.COPY,
    "The archive has an older commit record of run {run} (revision {here}) than the copy (revision {there}).",
    _REPAIR,
    is_fixity=True,
)
OTHER_HEAD: Final = Kind(
    "C107",
    Severity.WARNING,
    Command.COPY,
    "The copy is not in the state in which the last sync of this archive left it.",
    "Nothing, if you have put the disk or the archive back to an earlier state: the next `extract copy sync` digests "
    "all of the copy and brings it up to date. Otherwise find the other program or person that writes there.",
)
DAMAGED_HERE: Final = Kind(
    "C108",
    Severity.ERROR,
    Command.COPY,
    "The file of the archive is damaged ({problem}), so it was not copied.",
    "`extract repair` mends the archive from the homes or from a copy; then `extract copy sync` again.",
    is_fixity=True,
)
NOT_ERASED: Final = Kind(
    "C109",
    Severity.WARNING,
    Command.COPY,
    "The copy may still contain erased content: {missing} of {erasures} erasures have not reached it.",
    "`extract copy sync` carries them out there.",
)
BEHIND: Final = Kind(
    "C110",
    Severity.INFORMATION,
    Command.COPY,
    "The copy lacks the newest runs of the archive: {missing}.",
    "`extract copy sync` copies them.",
)
GAP: Final = Kind(
    "C111",
    Severity.ERROR,
    Command.COPY,
    "The copy lacks the run of epoch {epoch}, all of it.",
    _NEXT_SYNC,
    is_fixity=True,
)
