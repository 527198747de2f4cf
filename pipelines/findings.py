"""What the last verification found, kept beside the newest run as findings.json, where the report finds it."""

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
        return {
            "format": FORMAT,
            "verified_at": self.verified_at,
            "level": str(self.level),
            "tool_version": self.tool_version,
            "findings": [finding.to_json() for finding in self.findings],
        }


def findings_path(layout: Layout, run_id: str) -> Path:
    """Return where what was found is kept."""
    return layout.run(run_id) / NAME


def keep_findings(layout: Layout, run_id: str, made: Verification) -> None:
    """Keep a verification beside a run, in place of the one before. Raises DataDirectoryError."""
    with disk_errors():
        write_sealed(
            findings_path(layout, run_id), orjson.dumps(made.to_json(), option=orjson.OPT_INDENT_2), "findings"
        )


def read_findings(layout: Layout, run_id: str) -> Verification | None:
    """Return the last verification that was kept beside a run; None when there was none. Raises FixityError when the
    file is not what was written.
    """
    path = findings_path(layout, run_id)
    try:
        held = orjson.loads(read_sealed(path))
        return Verification(
            verified_at=str(held["verified_at"]),
            level=Level(held["level"]),
            tool_version=str(held["tool_version"]),
            findings=[Finding.from_json(one) for one in held["findings"]],
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise FixityError(f"{path} cannot be understood ({error}); `extract verify` writes it anew") from error
