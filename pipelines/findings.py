"""What verifications found, kept beside the newest run as findings.json, where its report finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from models.errors import FixityError
from models.finding import Finding, Level
from models.json import JsonObject
from pipelines.files import disk_errors, read_sealed, write_sealed
from pipelines.layout import Layout

NAME: Final = "findings.json"
FORMAT: Final = 1
_DOES_ALSO: Final = {Level.DEEP: (Level.DEFAULT, Level.QUICK), Level.DEFAULT: (Level.QUICK,)}


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification that was made: when (ISO 8601, UTC), how closely, by which version of this program, and what it
    found, the gravest first.
    """

    verified_at: str
    level: Level
    tool_version: str
    findings: Sequence[Finding]

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {**self.head(), "findings": [finding.to_json() for finding in self.findings]}

    def head(self) -> JsonObject:
        """Return the same without the findings."""
        return {"verified_at": self.verified_at, "level": str(self.level), "tool_version": self.tool_version}


def findings_path(layout: Layout, run_id: str) -> Path:
    """Return where the verifications beside a run are kept."""
    return layout.run(run_id) / NAME


def keep_verification(layout: Layout, run_id: str, made: Verification) -> None:
    """Keep a verification beside a run, in place of those that it makes needless: the same level, and those within it.

    In the file, `findings` are those of all kept verifications, each with the level at which it was found. Raises
    DataDirectoryError.
    """
    try:
        kept = read_verifications(layout, run_id)
    except FixityError:
        kept = []
    replaced = (made.level, *_DOES_ALSO.get(made.level, ()))
    all_of_them = [made, *(one for one in kept if one.level not in replaced)]
    fields: JsonObject = {
        "format": FORMAT,
        "verifications": [one.head() for one in all_of_them],
        "findings": [finding.to_json() | {"level": str(one.level)} for one in all_of_them for finding in one.findings],
    }
    with disk_errors():
        write_sealed(findings_path(layout, run_id), orjson.dumps(fields, option=orjson.OPT_INDENT_2), "findings")


def read_verifications(layout: Layout, run_id: str) -> list[Verification]:
    """Return the last verification of each level that was kept beside a run, the newest first; none when there is none.

    Raises FixityError when the file is not what was written.
    """
    path = findings_path(layout, run_id)
    try:
        held = orjson.loads(read_sealed(path))
        found: dict[str, list[Finding]] = {}
        for one in held["findings"]:
            found.setdefault(one.pop("level"), []).append(Finding.from_json(one))
        return [
            Verification(one["verified_at"], Level(one["level"]), one["tool_version"], found.get(one["level"], []))
            for one in held["verifications"]
        ]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FixityError(f"{path} cannot be understood ({error}); `extract verify` writes it anew") from error
