"""Prints findings of commands that look at other places."""

from collections.abc import Sequence
from typing import Final

from models.finding import Finding
from models.text import safe
from pipelines.cli.console import say

_SHOWN: Final = 20


def show_findings(findings: Sequence[Finding]) -> None:
    """Print findings to standard error: code, address, sentence, and next step."""
    for finding in findings[:_SHOWN]:
        say(f"{finding.code} {finding.severity}  {safe(finding.address)}", is_bold=True, stderr=True)
        say(f"     {safe(finding.sentence)}", stderr=True)
        say(f"     {finding.what_to_do}", stderr=True)
    if len(findings) > _SHOWN:
        say(f"and {len(findings) - _SHOWN} more; --json lists all", stderr=True)
