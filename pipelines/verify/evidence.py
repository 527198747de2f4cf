"""Checks the files that no commit record lists against evidence.json: reports, findings, records of drills, imports."""

from contextlib import suppress

from models.errors import FixityError
from models.findings import parts as part_codes
from models.findings import records as codes
from models.findings.runs import NO_REPORT
from models.seal import SealError, unsealed
from pipelines.archive.evidence import EvidenceList, list_problem, lost_evidence, read_evidence
from pipelines.disk.atomic import read_regular
from pipelines.verify.context import Context


def check_evidence(context: Context) -> None:
    """Check that evidence.json is whole, that each file in it exists, and with any level but quick that it has the
    listed digest. A file whose own seal or name shows the damage is left to the check of that.
    """
    layout = context.layout
    problem = list_problem(layout)
    if problem is not None:
        context.findings.append(codes.LIST_BROKEN.at(context.address(layout.evidence_file), problem=problem))
    known: EvidenceList | None = None
    with suppress(FixityError, OSError):
        known = read_evidence(layout)
    if known is None:
        return
    gone = set[str]()
    for path, fault in lost_evidence(layout, known, context.runs, [] if context.is_quick else None):
        full, is_import = layout.root / path, path.startswith("store/")
        address = context.address(full)
        if fault == "is gone":
            gone.add(address)
            kind = part_codes.IMPORT_GONE if is_import else codes.EVIDENCE_GONE
            context.findings.append(kind.at(address))
        elif not is_import and _is_sealed(context, path):
            context.findings.append(codes.EVIDENCE_OTHER.at(address))
    # Of a report that was written and is gone, it is not true that the run was stopped before writing it.
    context.findings = [one for one in context.findings if one.code != NO_REPORT.code or one.address not in gone]


def _is_sealed(context: Context, path: str) -> bool:
    full = context.layout.root / path
    try:
        unsealed(read_regular(full), full.suffix)
    except (SealError, OSError):
        return False
    return True
