"""Checks the units, which were pulled from other machines, and the audit log."""

from models.findings import lake as codes
from pipelines.archive.archive import read_records
from pipelines.archive.audit import read_audit
from pipelines.archive.machines import read_units
from pipelines.disk.layout import Layout
from pipelines.verify.context import Context
from pipelines.verify.sizes import digest


def check_audit(context: Context) -> None:
    """Check the chain of the audit log."""
    _, problems = read_audit(context.layout)
    address = context.address(context.layout.audit_file)
    context.findings += [codes.AUDIT_BROKEN.at(address, problem=problem) for problem in problems]


def check_units(context: Context) -> None:
    """Compare every file of every unit with its commit record."""
    for unit in read_units(context.layout):
        for run in read_records(unit.layout)[0]:
            for path, expected in ((one.path, one.sha256) for phase in run.phases for one in phase.parts):
                if not _is_whole(unit.layout, path, expected, context):
                    found = codes.UNIT_BROKEN.at(context.address(unit.layout.root / path), machine=unit.machine.shown)
                    context.findings.append(found)


def _is_whole(layout: Layout, path: str, expected: str, context: Context) -> bool:
    try:
        return digest(layout.root / path, context.observer.advances) == expected
    except OSError:
        return False
