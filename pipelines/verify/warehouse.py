"""Checks the published warehouses and the link to the newest one."""

import os
from collections.abc import Mapping
from pathlib import Path

import duckdb

from models.errors import LoadError
from models.findings import warehouse as codes
from models.run import WarehouseRecord
from pipelines.archive.machines import with_units
from pipelines.verify.context import Context
from pipelines.verify.sizes import digest
from pipelines.warehouse.publish import check_warehouse


def check_warehouses(context: Context) -> None:
    """Check the link, every warehouse's size and digest, and (unless quick) the content of the linked one."""
    known = {run.warehouse.path: run.warehouse for run in context.runs if run.warehouse is not None}
    newest = next((run.warehouse for run in reversed(context.current) if run.warehouse is not None), None)
    linked = _linked(context, newest)
    broken = set()
    for path in context.layout.built_warehouses():
        name = context.layout.relative(path)
        if not _is_as_recorded(context, path, known.get(name), is_linked=name == linked):
            broken.add(name)
    if linked is None or linked not in known:
        return
    _check_age(context, linked, newest)
    if not context.is_quick and linked not in broken:
        _check_content(context, linked, known)


def _linked(context: Context, newest: WarehouseRecord | None) -> str | None:
    """Return the path, below the data directory, of the warehouse that the link points to; None without a usable
    link.
    """
    link = context.layout.warehouse
    address = context.address(link)
    if not os.path.lexists(link):
        if newest is not None:
            context.findings.append(codes.NO_LINK.at(address))
        return None
    if not link.is_symlink():
        return _copied(context, link, newest)
    target = Path(os.readlink(link))
    if len(target.parts) != 2 or target.parts[0] != context.layout.warehouses.name or target.is_absolute():
        context.findings.append(codes.LINK_ELSEWHERE.at(address, target=context.address(link.parent / target)))
        return None
    if not link.exists():
        context.findings.append(codes.DANGLING.at(address, target=target.as_posix()))
        return None
    return target.as_posix()


def _copied(context: Context, copy: Path, newest: WarehouseRecord | None) -> str | None:
    """Check warehouse.duckdb where it is a copy, because the system has no links."""
    if newest is None:
        return None
    is_same = copy.stat().st_size == newest.size
    if is_same and not context.is_quick:
        is_same = digest(copy, context.observer.advances) == newest.sha256
    if not is_same:
        context.findings.append(codes.COPY_DIFFERS.at(context.address(copy), newest=newest.path))
        return None
    return newest.path


def _is_as_recorded(context: Context, path: Path, record: WarehouseRecord | None, *, is_linked: bool) -> bool:
    address = context.address(path)
    log = path.with_name(path.name + ".wal")
    if log.exists():
        context.findings.append(codes.WRITE_AHEAD.at(context.address(log)))
    if record is None:
        kind = codes.UNLISTED if is_linked else codes.LEFT_OVER
        context.findings.append(kind.at(address))
        return False
    try:
        size = path.stat().st_size
        if size != record.size:
            context.findings.append(codes.SIZE.at(address, actual=size, expected=record.size))
            return False
        if not context.is_quick and digest(path, context.observer.advances) != record.sha256:
            context.findings.append(codes.BROKEN.at(address))
            return False
    except FileNotFoundError:
        return False  # an older one, which a run has deleted meanwhile
    return True


def _check_age(context: Context, linked: str, newest: WarehouseRecord | None) -> None:
    link = context.address(context.layout.warehouse)
    if newest is not None and linked != newest.path:
        context.findings.append(codes.OLD_LINK.at(link, target=linked, newest=newest.path))
    elif context.current[-1].warehouse is None:
        maker = Path(linked).stem
        context.findings.append(codes.BEHIND.at(link, run=maker))


def _check_content(context: Context, linked: str, known: Mapping[str, WarehouseRecord]) -> None:
    """Open the warehouse and compare its rows with the records of the runs that it was built from."""

    made_by = Path(linked).stem
    chain = next((chain for chain in context.chains if any(run.run_id == made_by for run in chain)), None)
    if chain is None or context.unusable:
        return
    epoch = next(run.epoch for run in chain if run.run_id == made_by)
    runs = [run for run in chain if run.epoch <= epoch]
    try:
        check_warehouse(context.layout.root / known[linked].path, with_units(context.layout, runs))
    except LoadError as error:
        context.findings.append(codes.CONTENT.at(linked, problem=str(error).split(": ", 1)[-1]))
    except duckdb.Error as error:
        context.findings.append(codes.UNREADABLE.at(linked, problem=str(error).split("\n", 1)[0]))
