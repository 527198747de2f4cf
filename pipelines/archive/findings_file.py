"""findings.json: the findings of verifications, kept beside the newest run, whose report shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from models.errors import FixityError
from models.finding import Finding, Level
from models.json import JsonObject
from pipelines.archive.evidence import write_evidence
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout

FORMAT: Final = 1
_DOES_ALSO: Final = {Level.DEEP: (Level.DEFAULT, Level.QUICK), Level.DEFAULT: (Level.QUICK,)}


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification: its time (ISO 8601, UTC), its level, the program's version, and its findings, the most severe
    first. `percent` is the share of files that a deep one picked, None for all; `not_kept_because` is the reason why it
    was not written beside the newest run.
    """

    verified_at: str
    level: Level
    tool_version: str
    findings: Sequence[Finding]
    percent: float | None = None
    not_kept_because: str | None = None

    def to_json(self) -> JsonObject:
        """Return the verification as JSON values."""
        return {**self.head(), "findings": [finding.to_json() for finding in self.findings]}

    def head(self) -> JsonObject:
        """Return the verification without its findings, as JSON values."""
        picked: JsonObject = {} if self.percent is None else {"percent": self.percent}
        return {
            "verified_at": self.verified_at,
            "level": str(self.level),
            "tool_version": self.tool_version,
            **picked,
        }

    def makes_needless(self, other: "Verification") -> bool:
        """Return whether this verification checked everything that `other` did, so that `other` need not be kept."""
        if other.level is self.level:
            return self.percent is None or other.percent is not None
        return other.level in _DOES_ALSO.get(self.level, ())


def keep_verification(layout: Layout, run_id: str, made: Verification) -> None:
    """Add a verification to a run's findings.json, and drop those it makes needless: of the same or a lower level. A
    verification of some files does not replace one of all files.

    In the file, `findings` are those of all kept verifications, each with its level and, if not all files were checked,
    the percentage. Raises DataDirectoryError.
    """
    try:
        kept = read_verifications(layout, run_id)
    except FixityError:
        kept = []
    all_of_them = [made, *(one for one in kept if not made.makes_needless(one))]
    fields: JsonObject = {
        "format": FORMAT,
        "verifications": [one.head() for one in all_of_them],
        "findings": [finding.to_json() | _of(one) for one in all_of_them for finding in one.findings],
    }
    content = orjson.dumps(fields, option=orjson.OPT_INDENT_2)
    write_evidence(layout, {layout.findings(run_id): content}, "findings")


def _of(made: Verification) -> JsonObject:
    """Return the fields that assign a finding to its verification."""
    level: JsonObject = {"level": str(made.level)}
    return level if made.percent is None else {**level, "percent": made.percent}


def read_verifications(layout: Layout, run_id: str) -> list[Verification]:
    """Return the verifications of a run's findings.json, newest first; an empty list without the file.

    Raises FixityError when the file is damaged.
    """
    path = layout.findings(run_id)
    try:
        held = orjson.loads(read_sealed(path))
        found: dict[tuple[str, float | None], list[Finding]] = {}
        for one in held["findings"]:
            found.setdefault((one.pop("level"), one.pop("percent", None)), []).append(Finding.from_json(one))
        return [
            Verification(
                one["verified_at"],
                Level(one["level"]),
                one["tool_version"],
                found.get((one["level"], one.get("percent")), []),
                one.get("percent"),
            )
            for one in held["verifications"]
        ]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FixityError(f"{path} has unknown content ({error}); `extract verify` replaces it") from error
