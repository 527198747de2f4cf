"""A finding: what `extract verify`, `restore` or `drill` reports of one path, record or table of an archive.

Each kind of finding is declared once in `models.findings`, with a code that never changes its meaning. A finding can
only be made of a kind and exactly the parameters that its sentence names, so that no code can be mistyped and no
sentence be left with a hole.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from string import Formatter
from typing import Final

from models.errors import ExitCode
from models.json import JsonObject, JsonValue

_CODE: Final = re.compile(r"[A-Z][0-9]{3}")


class Severity(StrEnum):
    """How grave a finding is. Errors and warnings keep `extract verify` from ending with 0."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Level(StrEnum):
    """How closely the archive is looked at. `default` does all that `quick` does, `deep` all that `default` does."""

    QUICK = "quick"
    DEFAULT = "default"
    DEEP = "deep"
    SOURCE = "source"


class Command(StrEnum):
    """What finds a kind of finding that no verification looks for."""

    RESTORE = "restore"
    DRILL = "drill"


KINDS: Final[dict[str, "Kind"]] = {}
"""Every kind that was declared, by its code. Import `models.findings` to have them all."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding. `sentence` has its parameters in braces; `level` is the first one that looks for it, or the
    command that does.

    `is_fixity`: bytes that we keep are broken or gone. `is_passing`: a run at work may look like this for a while.
    Raises TypeError when the code is taken, or is not a letter and three digits.
    """

    code: str
    severity: Severity
    level: Level | Command
    sentence: str
    what_to_do: str
    is_fixity: bool = False
    is_passing: bool = False
    parameters: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if _CODE.fullmatch(self.code) is None or KINDS.setdefault(self.code, self) is not self:
            raise TypeError(f"{self.code} is no code of a finding, or is one already")
        names = frozenset(name for _, name, _, _ in Formatter().parse(self.sentence) if name is not None)
        object.__setattr__(self, "parameters", names)

    def at(self, address: str, **parameters: str | int) -> "Finding":
        """Return the finding at an address: a path below the data directory, or `home:path[#generation]`, with
        `@offset+length` where it is about a span.

        Raises TypeError unless the parameters are those of the sentence.
        """
        if parameters.keys() != self.parameters:
            raise TypeError(f"{self.code} takes {sorted(self.parameters)}, not {sorted(parameters)}")
        return Finding(self.code, self.severity, self.sentence.format(**parameters), address, self.what_to_do)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: the code of its kind, how grave it is, one sentence, where, and what to do about it.

    Sentence and address may hold names from a home: whoever shows them makes them safe.
    """

    code: str
    severity: Severity
    sentence: str
    address: str
    what_to_do: str

    @property
    def kind(self) -> Kind:
        """The kind of the finding."""
        return KINDS[self.code]

    def to_json(self) -> JsonObject:
        """Return the finding as JSON values."""
        made: JsonObject = asdict(self)
        return made

    @classmethod
    def from_json(cls, value: JsonValue) -> "Finding":
        """Return the finding that `to_json` made. Raises TypeError or ValueError when it is none."""
        if not isinstance(value, dict):
            raise TypeError("a finding is an object")
        fields = {name: str(one) for name, one in value.items()}
        severity = Severity(fields.pop("severity", ""))
        return cls(severity=severity, **fields)


def address_of(home_id: str, path: str) -> str:
    """Return the address of a path, in the form for people, of a home; of one below the data directory where `home_id`
    is empty.
    """
    return f"{home_id}:{path}" if home_id else path


def exit_code(findings: Iterable[Finding], otherwise: ExitCode = ExitCode.UNEXPECTED) -> ExitCode:
    """Return how a process that found these should end: 3 for broken bytes, `otherwise` for another error or warning,
    else 0.
    """
    grave = [finding for finding in findings if finding.severity is not Severity.INFORMATION]
    if any(finding.kind.is_fixity for finding in grave):
        return ExitCode.FIXITY
    return otherwise if grave else ExitCode.VERIFIED
