"""The findings of `extract verify` after the run: their facts, and their section of the report."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from models.amounts import moment, plural
from models.finding import Severity
from models.text import safe
from pipelines.archive.findings_file import Verification
from pipelines.disk.layout import FINDINGS_NAME
from pipelines.report.document import Block, Code, Item, Items, Section, Tone, paragraph
from pipelines.report.facts import Facts, FindingFacts, VerificationFacts
from pipelines.report.reading_sections import more

_TONES: Final[dict[str, Tone]] = {Severity.ERROR: "bad", Severity.WARNING: "warn"}
_GRAVITY: Final = {str(severity): number for number, severity in enumerate(Severity)}


def verification_facts(verified: Iterable[Verification]) -> list[VerificationFacts]:
    """Return time, level and number of findings of each verification."""
    return [
        VerificationFacts(
            verified_at=one.verified_at,
            level=str(one.level),
            tool_version=one.tool_version,
            found=dict(Counter(str(finding.severity) for finding in one.findings)),
            percent=one.percent,
        )
        for one in verified
    ]


def finding_facts(verified: Iterable[Verification]) -> list[FindingFacts]:
    """Return all findings without duplicates, the most severe first."""
    found = {
        (finding.code, finding.address, finding.sentence): FindingFacts(
            code=finding.code,
            severity=str(finding.severity),
            sentence=safe(finding.sentence),
            address=safe(finding.address),
            what_to_do=safe(finding.what_to_do),
            level=str(one.level),
        )
        for one in reversed(list(verified))
        for finding in one.findings
    }
    return sorted(found.values(), key=lambda one: (_GRAVITY[one.severity], one.code, one.address))


def findings_section(facts: Facts) -> Section:
    """List the times of verifications after the run, and each finding with its place and the next step."""
    blocks: list[Block] = [paragraph(_sentence(one)) for one in facts.verifications]
    for finding in facts.findings.shown:
        note = f"{finding.severity}: {finding.sentence}"
        blocks.append(Items([Item(Code(finding.code), note, _TONES.get(finding.severity, "note"))]))
        to_do = f". {finding.what_to_do}" if finding.what_to_do not in ("", "Nothing.") else ""
        blocks.append(paragraph("Found in ", Code(finding.address), to_do, is_quiet=True))
    blocks += more(facts.findings, f"more, which {FINDINGS_NAME} in the directory of the run lists")
    grave = any(finding.severity == Severity.ERROR for finding in facts.findings.shown)
    return Section("findings", "Findings of extract verify after this run", blocks, "bad" if grave else "none")


def _sentence(one: VerificationFacts) -> str:
    found = ", ".join(
        plural(one.found[severity], severity, "information" if severity == Severity.INFORMATION else None)
        for severity in _GRAVITY
        if one.found.get(severity)
    )
    picked = "" if one.percent is None else f", {one.percent:g} % of the files"
    return f"{moment(one.verified_at)}, level {one.level}{picked}: {found or 'nothing found'}."
