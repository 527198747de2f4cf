"""N1: units, which `extract lake pull` brings from other machines; N2: the audit log."""

from typing import Final

from models.finding import Command, Kind, Level, Severity

_LEFT: Final = (
    "No file of it was taken, and the runs pulled before are still there. Ask the machine's owner to push again."
)

HEAD_BROKEN: Final = Kind(
    "N101",
    Severity.ERROR,
    Command.LAKE,
    "The head of machine {machine} in the lake, which lists its runs, cannot be used: {problem}.",
    _LEFT,
    is_fixity=True,
)
RECORD_BROKEN: Final = Kind(
    "N102",
    Severity.ERROR,
    Command.LAKE,
    "The commit record of run {run} of machine {machine} cannot be used: {problem}.",
    _LEFT,
    is_fixity=True,
)
FILE_BROKEN: Final = Kind(
    "N103",
    Severity.ERROR,
    Command.LAKE,
    "A file of run {run} of machine {machine} differs from its record: {problem}.",
    _LEFT,
    is_fixity=True,
)
ROLLED_BACK: Final = Kind(
    "N104",
    Severity.ERROR,
    Command.LAKE,
    "The lake has an older state of machine {machine} (number {there}) than was pulled before (number {here}).",
    "The pulled files stay. The lake was replaced by an older state: let the machine push again.",
    is_fixity=True,
)
FOREIGN_KEY: Final = Kind(
    "N105",
    Severity.WARNING,
    Command.LAKE,
    "The lake has a file that belongs to no machine.",
    "It is not read. Delete it, if nobody needs it.",
)
OTHER_LAKE: Final = Kind(
    "N106",
    Severity.WARNING,
    Command.LAKE,
    "Machine {machine} was pulled from {lake}, and is in this lake too.",
    "It is pulled from that lake alone. `extract lake remove` ends that; then pull again.",
)
RUN_TAKEN: Final = Kind(
    "N107",
    Severity.ERROR,
    Command.LAKE,
    "Run {run} of machine {machine} has the id of a run that another machine or this archive made.",
    "It is not taken: its machine did not make it.",
)
NO_MACHINE: Final = Kind(
    "N108",
    Severity.WARNING,
    Command.LAKE,
    "Machine {machine} was pulled from this lake, and is not in it any more.",
    "The pulled files stay. To delete them: `extract lake drop MACHINE`.",
)
OTHER_SIGNER: Final = Kind(
    "N110",
    Severity.ERROR,
    Command.LAKE,
    "The head of machine {machine} in the lake is signed with another key than before.",
    "Nothing of it was taken: somebody else may have written it. Ask the machine's owner. If machine.json was replaced "
    "there: `extract lake drop MACHINE`, then pull again.",
    is_fixity=True,
)
UNIT_BROKEN: Final = Kind(
    "N109",
    Severity.ERROR,
    Level.DEFAULT,
    "A file that was pulled from machine {machine} is missing or has other bytes than its commit record says.",
    "`extract lake pull` brings it again.",
    is_fixity=True,
)
AUDIT_BROKEN: Final = Kind(
    "N201",
    Severity.ERROR,
    Level.QUICK,
    "The audit log was changed or damaged: {problem}.",
    "Nothing else depends on it. To begin a new one, put audit.jsonl and audit.json aside.",
    is_fixity=True,
)
