"""`extract status`: shows the state of the archive and what is new in the homes since the last run."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.amounts import count, moment, plural, size
from pipelines.archive.growth import ArchiveGrowth, MonthGrowth
from pipelines.cli.alerting import say_alerts
from pipelines.cli.console import Heading, say, say_json, say_table, say_wrapped
from pipelines.cli.copying import copy_lines
from pipelines.cli.options import AsJson, Data, command, layout_of, shown_path
from pipelines.run.status import HomeStatus, Status, status_of
from pipelines.schedule.native import allowed_days

_SHOWN = 5
_MONTHS = 6
_FAR_OFF = 3650
_CHECKS = {
    "quick": "verify --quick",
    "default": "verify",
    "deep": "verify --deep",
    "rotate": "verify --rotate",
    "share": "the flow verify",
    "source": "verify --source",
    "drill": "drill",
}
"""The checks as one types them, by their names in checks.json."""


def status(data: Data = None, as_json: AsJson = False) -> None:
    """Show each home, the last run, and what is new since.

    Walks each home and writes nothing. Tells how the archive has grown, by the
    months of its runs and by source, and when the disk will be full at the rate
    of the last 90 days.
    """

    layout = layout_of(data)
    found = status_of(layout, allowed_days(Path.home(), os.environ))
    if as_json:
        say_json(found.to_json())
        return
    _show_archive(found, shown_path(layout.root), data)
    for home in found.homes:
        _show_home(home)
    walked = [phase for home in found.homes for phase in home.phases if phase.new_bytes is not None]
    files = sum((phase.new_files or 0) + (phase.changed_files or 0) for phase in walked)
    if files:
        waiting = sum(phase.new_bytes or 0 for phase in walked)
        say(f"new or changed: {plural(files, 'file')}, {size(waiting)} to read")
        say(f"next: {command('run', data)}")
    elif walked:
        say("Nothing is new.")


def _show_archive(found: Status, root: str, data: Path | None) -> None:
    say(f"{root}: {plural(found.runs, 'run')}", is_bold=True)
    if found.last_run_id:
        ended = moment(found.last_run_finished_at or found.last_run_started_at)
        how = "complete" if found.last_run_status == "complete" else "stopped after some phases"
        say(f"last run: {found.last_run_id}, {how}, {ended}")
    imported = f", imported from other stores {size(found.imported_bytes)}" if found.imported_bytes else ""
    warehouse = "no warehouse" if found.warehouse_bytes is None else f"warehouse {size(found.warehouse_bytes)}"
    say(f"store {size(found.store_bytes)}, tables {size(found.table_bytes)}, {warehouse}{imported}")
    if found.quarantined:
        say(f"{plural(found.quarantined, 'entry', 'entries')} in quarantine: {command('sql', data)} 'FROM rejects'")
    if found.warehouse_run_id and found.last_run_id and not found.is_warehouse_current:
        say(f"the warehouse is of run {found.warehouse_run_id}, not of the last one")
    if found.under_way:
        say_wrapped(found.under_way)
    if found.damage:
        files = plural(len(found.damage), "committed file is", "committed files are")
        say(f"THE ARCHIVE IS DAMAGED: {files} changed or missing", is_bold=True)
        for one in found.damage[:_SHOWN]:
            say(f"  {one.path} {one.problem}")
        say_wrapped("`extract repair` shows how it can be mended; `extract verify` shows the lost bytes.")
    if found.known_losses:
        say(f"{plural(len(found.known_losses), 'known loss', 'known losses')}, which nothing could mend:")
        for sentence in found.known_losses[:_SHOWN]:
            say_wrapped(f"  {sentence}")
        if len(found.known_losses) > _SHOWN:
            say(f"  and {len(found.known_losses) - _SHOWN} more: {command('verify', data)}")
    _show_checks(found)
    _show_copies(found)
    _show_growth(found.growth)
    if found.alerts:
        say_alerts(found.alerts)
        say(f"{command('alerts', data)} shows the next step for each")
    say()


def _show_checks(found: Status) -> None:
    """Show when each check last passed, and where it failed since."""
    lines = []
    for name, shown in _CHECKS.items():
        passed, failed = found.checks.passed.get(name), found.checks.failed.get(name)
        if failed is not None and (passed is None or failed > passed):
            lines.append(f"{shown} FAILED {moment(failed)}, passed {moment(passed) if passed else 'never'}")
        elif passed is not None:
            lines.append(f"{shown} passed {moment(passed)}")
    if found.rotated_percent:
        lines.append(f"{found.rotated_percent} % of the files put together and compared within the last 28 days")
    for line in lines:
        say(line)
    if not lines:
        say("never verified: `extract verify` reads all of it")


def _show_copies(found: Status) -> None:
    for known in found.copies:
        say(f"copy {known.place}")
        for line in copy_lines(known):
            say_wrapped(f"  {line}")
    if not found.copies:
        say("no copy on another disk: `extract copy add` keeps one")


def _show_growth(growth: ArchiveGrowth) -> None:
    if len(growth.months) > 1:
        numbers = ("runs", "new", "messages", "written")
        say_table(
            [Heading("month"), *(Heading(name, "number") for name in numbers), Heading("new by source")],
            [
                [
                    month.month,
                    count(month.runs),
                    size(month.bytes_new),
                    count(month.messages_new),
                    size(month.bytes_written),
                    _by_source(month),
                ]
                for month in growth.months[-_MONTHS:]
            ],
        )
    if growth.bytes_per_day is not None and growth.free_bytes is not None:
        rate = f"it grows by {size(growth.bytes_per_day)} a day; the disk has {size(growth.free_bytes)} free"
        say_wrapped(f"{rate}, {_until_full(growth.days_left)}")


def _by_source(month: MonthGrowth) -> str:
    most = sorted(month.sources.items(), key=lambda item: -item[1].bytes_new)[:2]
    return ", ".join(f"{source} {size(one.bytes_new)}" for source, one in most if one.bytes_new) or "-"


def _until_full(days: int | None) -> str:
    if days is None or days > _FAR_OFF:
        return "enough for more than ten years"
    return f"enough for {plural(days, 'day')}, until {datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def _show_home(home: HomeStatus) -> None:
    shown = f"{home.home_id} ({home.name})" if home.name else home.home_id
    notes = [home.problem] if home.problem else []
    notes += [] if home.is_read else ["removed: no run reads it"]
    say(f"home {shown}: {home.root}" + (f" ({'; '.join(notes)})" if notes else ""))
    numbers = ("files", "kept", "new", "changed", "to read")
    say_table(
        [Heading("phase"), Heading("read (UTC)"), *(Heading(name, "number") for name in numbers)],
        [
            [
                phase.name,
                moment(phase.committed_at).removesuffix(" UTC"),
                count(phase.kept_files),
                size(phase.kept_bytes),
                *("-" if number is None else count(number) for number in (phase.new_files, phase.changed_files)),
                "-" if phase.new_bytes is None else size(phase.new_bytes),
            ]
            for phase in home.phases
        ],
    )
    waiting = sum(phase.kept_bytes - phase.watermark for phase in home.phases)
    expired = sum(phase.expired_files for phase in home.phases)
    vanished = sum(phase.vanished_files or 0 for phase in home.phases)
    if waiting:
        say(f"{size(waiting)} are archived but not yet parsed: entries that were incomplete when read")
    if expired or vanished:
        say(
            f"{plural(expired + vanished, 'file')} gone from the home and archived, "
            f"{count(vanished)} since the last run"
        )
    say()
