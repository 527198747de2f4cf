"""A finding: a problem or notice of `extract verify`, `restore`, `drill` or `copy` about one path, record or table.

Each kind of finding is declared once in `models.findings`, with a code that never changes its meaning. `Kind.at` makes
a finding from a kind and exactly the parameters of its sentence, so codes cannot be mistyped and no parameter is
missing.
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
    """The severity of a finding. With an error or a warning `extract verify` does not end with 0."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Level(StrEnum):
    """The level of a verification. `default` includes all checks of `quick`, `deep` all of `default`."""

    QUICK = "quick"
    DEFAULT = "default"
    DEEP = "deep"
    SOURCE = "source"


class Command(StrEnum):
    """The command that reports a kind of finding that no verification checks for."""

    RESTORE = "restore"
    DRILL = "drill"
    COPY = "copy"
    LAKE = "lake"


KINDS: Final[dict[str, "Kind"]] = {}
"""Every declared kind, by code. It is complete after an import of `models.findings`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding. `sentence` has its parameters in braces; `level` is the lowest level that checks for it, or
    the command that reports it.

    `is_fixity`: archived bytes are damaged or missing. `is_passing`: a run in progress may cause it temporarily. Raises
    TypeError when the code is already used, or is not a letter and three digits.
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
            raise TypeError(f"{self.code} is not a valid code of a finding, or is already used")
        names = frozenset(name for _, name, _, _ in Formatter().parse(self.sentence) if name is not None)
        object.__setattr__(self, "parameters", names)

    def at(self, address: str, **parameters: str | int) -> "Finding":
        """Return the finding at an address: a path below the data directory, or `home:path[#generation]`, with
        `@offset+length` if it is about a span.

        Raises TypeError unless the parameters are those of the sentence.
        """
        if parameters.keys() != self.parameters:
            raise TypeError(f"{self.code} takes {sorted(self.parameters)}, not {sorted(parameters)}")
        return Finding(self.code, self.severity, self.sentence.format(**parameters), address, self.what_to_do)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the code of its kind, its severity, one sentence, its address, and the user's next step.

    Sentence and address may contain names from a home: the caller must escape them before printing.
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
        """Return the finding that `to_json` wrote. Raises TypeError or ValueError for another value."""
        if not isinstance(value, dict):
            raise TypeError("a finding is an object")
        fields = {name: str(one) for name, one in value.items()}
        severity = Severity(fields.pop("severity", ""))
        return cls(severity=severity, **fields)


def address_of(home_id: str, path: str) -> str:
    """Return the address of a printable path of a home; with an empty `home_id`, of a path below the data directory."""
    return f"{home_id}:{path}" if home_id else path


def exit_code(findings: Iterable[Finding], otherwise: ExitCode = ExitCode.UNEXPECTED) -> ExitCode:
    """Return the exit code for findings: 3 for damaged bytes, `otherwise` for another error or warning, else 0."""
    grave = [finding for finding in findings if finding.severity is not Severity.INFORMATION]
    if any(finding.kind.is_fixity for finding in grave):
        return ExitCode.FIXITY
    return otherwise if grave else ExitCode.VERIFIED
