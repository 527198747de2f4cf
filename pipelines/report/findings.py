"""What `extract verify` found after the run, and how the report tells it."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from models.amounts import moment, plural
from models.finding import Severity
from models.text import safe
from pipelines.archive.findings_file import NAME, Verification
from pipelines.report.content import more
from pipelines.report.document import Block, Code, Item, Items, Section, Tone, paragraph
from pipelines.report.facts import Facts, FindingFacts, VerificationFacts

_TONES: Final[dict[str, Tone]] = {Severity.ERROR: "bad", Severity.WARNING: "warn"}
_GRAVITY: Final = {str(severity): number for number, severity in enumerate(Severity)}


def verification_facts(verified: Iterable[Verification]) -> list[VerificationFacts]:
    """Return when and how closely the archive was verified, and how much was found."""
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
    """Return everything that was found, the gravest first, and each finding once."""
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
    """What verifications found."""
    blocks: list[Block] = [paragraph(_sentence(one)) for one in facts.verifications]
    for finding in facts.findings.shown:
        note = f"{finding.severity}: {finding.sentence}"
        blocks.append(Items([Item(Code(finding.code), note, _TONES.get(finding.severity, "note"))]))
        blocks.append(paragraph("At ", Code(finding.address), f". {finding.what_to_do}", is_quiet=True))
    blocks += more(facts.findings, f"more, in {NAME}")
    grave = any(finding.severity == Severity.ERROR for finding in facts.findings.shown)
    return Section("findings", "Verified since by extract verify", blocks, "bad" if grave else "none")


def _sentence(one: VerificationFacts) -> str:
    found = ", ".join(
        plural(one.found[severity], severity, "information" if severity == Severity.INFORMATION else None)
        for severity in _GRAVITY
        if one.found.get(severity)
    )
    picked = "" if one.percent is None else f", {one.percent:g} % of the files"
    return f"{moment(one.verified_at)}, level {one.level}{picked}: {found or 'nothing found'}."
