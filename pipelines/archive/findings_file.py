"""What verifications found, kept beside the newest run as findings.json, where its report finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from models.errors import FixityError
from models.finding import Finding, Level
from models.json import JsonObject
from pipelines.disk.atomic import disk_errors, read_sealed, write_sealed
from pipelines.disk.layout import Layout

NAME: Final = "findings.json"
FORMAT: Final = 1
_DOES_ALSO: Final = {Level.DEEP: (Level.DEFAULT, Level.QUICK), Level.DEFAULT: (Level.QUICK,)}


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification that was made: when (ISO 8601, UTC), how closely, by which version of this program, and what it
    found, the gravest first. `percent` says how much of the files a deep one picked, where that was not all.
    """

    verified_at: str
    level: Level
    tool_version: str
    findings: Sequence[Finding]
    percent: float | None = None

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {**self.head(), "findings": [finding.to_json() for finding in self.findings]}

    def head(self) -> JsonObject:
        """Return the same without the findings."""
        picked: JsonObject = {} if self.percent is None else {"percent": self.percent}
        return {
            "verified_at": self.verified_at,
            "level": str(self.level),
            "tool_version": self.tool_version,
            **picked,
        }

    def makes_needless(self, other: "Verification") -> bool:
        """Whether all that another one looked at was looked at again."""
        if other.level is self.level:
            return self.percent is None or other.percent is not None
        return other.level in _DOES_ALSO.get(self.level, ())


def findings_path(layout: Layout, run_id: str) -> Path:
    """Return where the verifications beside a run are kept."""
    return layout.run(run_id) / NAME


def keep_verification(layout: Layout, run_id: str, made: Verification) -> None:
    """Keep a verification beside a run, in place of those that it makes needless: the same level, and those within it.
    One of some of the files leaves one of all of them where it is.

    In the file, `findings` are those of all kept verifications, each with the level at which it was found, and with
    the percentage of the files where that was not all. Raises DataDirectoryError.
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
    with disk_errors():
        write_sealed(findings_path(layout, run_id), orjson.dumps(fields, option=orjson.OPT_INDENT_2), "findings")


def _of(made: Verification) -> JsonObject:
    """Return what tells the findings of one verification from those of the others."""
    level: JsonObject = {"level": str(made.level)}
    return level if made.percent is None else {**level, "percent": made.percent}


def read_verifications(layout: Layout, run_id: str) -> list[Verification]:
    """Return the verifications that are kept beside a run, the newest first; none when there is none.

    Raises FixityError when the file is not what was written.
    """
    path = findings_path(layout, run_id)
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
        raise FixityError(f"{path} cannot be understood ({error}); `extract verify` writes it anew") from error
