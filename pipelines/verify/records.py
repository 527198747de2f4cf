"""Checks the archive's own records: archive.json and its copy, homes.json, settings.toml, tombstones, the lock file."""

from pathlib import Path

import orjson

from models.errors import ConfigurationError
from models.findings import copies, places, records
from models.json import JsonObject
from models.seal import SealError, unsealed
from pipelines.archive.archive import FORMAT
from pipelines.archive.homes import home_of_json
from pipelines.disk.atomic import read_regular
from pipelines.disk.settings import is_copy_damaged, read_settings, settings_digest
from pipelines.run.settings_changes import changed_settings
from pipelines.verify.context import Context, unreadable


class MalformedRecord(ValueError):
    """A file has its right seal, but unknown content."""


def read_object(path: Path) -> JsonObject:
    """Return the JSON object of a sealed file. Raises FileNotFoundError, SealError, MalformedRecord."""
    raw = unsealed(read_regular(path), ".json")
    try:
        value = orjson.loads(raw)
    except ValueError as error:
        raise MalformedRecord(str(error)) from error
    if not isinstance(value, dict):
        raise MalformedRecord("it is not a JSON object")
    return value


def check_archive(context: Context) -> None:
    """Check archive.json and its copy, and take the seed from it."""
    layout = context.layout
    address = context.address(layout.archive_file)
    try:
        fields = read_object(layout.archive_file)
    except FileNotFoundError:
        context.findings.append(records.ARCHIVE_GONE.at(address))
    except SealError as error:
        context.findings.append(records.ARCHIVE_BROKEN.at(address, problem=str(error)))
    except MalformedRecord as error:
        context.findings.append(records.ARCHIVE_MALFORMED.at(address, problem=str(error)))
    else:
        _take_seed(context, fields, address)
    _check_copy(context)


def _take_seed(context: Context, fields: JsonObject, address: str) -> None:
    known, seed = fields.get("format"), fields.get("seed")
    if known != FORMAT:
        context.findings.append(records.ARCHIVE_NEWER.at(address, format=str(known), known=FORMAT))
        return
    try:
        if not isinstance(fields.get("archive_id"), str):
            raise ValueError("it has no archive_id")
        context.seed = int(str(seed), 16)
    except ValueError as error:
        context.findings.append(records.ARCHIVE_MALFORMED.at(address, problem=str(error)))


def _check_copy(context: Context) -> None:
    copy = context.layout.archive_copy
    try:
        held = read_regular(copy)
    except FileNotFoundError:
        context.findings.append(records.COPY_GONE.at(context.address(copy)))
        return
    original = context.layout.archive_file
    if original.exists() and held != read_regular(original):
        context.findings.append(records.COPY_DIFFERS.at(context.address(copy)))


def check_homes(context: Context) -> None:
    """Check homes.json, and compare it with the homes in the runs' records."""
    path = context.layout.homes_file
    address = context.address(path)
    try:
        homes = read_object(path)
    except FileNotFoundError:
        if context.runs:
            context.findings.append(records.HOMES_GONE.at(address))
        return
    except SealError as error:
        context.findings.append(records.HOMES_BROKEN.at(address, problem=str(error)))
        return
    except MalformedRecord as error:
        context.findings.append(records.HOMES_MALFORMED.at(address, problem=str(error)))
        return
    for home_id, value in homes.items():
        try:
            home_of_json(home_id, value)
        except ValueError as error:
            context.findings.append(records.HOMES_MALFORMED.at(address, problem=str(error)))
    unlisted = {home_id: run.run_id for run in reversed(context.runs) for home_id in run.homes if home_id not in homes}
    for home_id, run_id in sorted(unlisted.items()):
        context.findings.append(records.HOME_UNLISTED.at(address, run=run_id, home=home_id))


def check_settings(context: Context) -> None:
    """Check that the settings are valid, and whether they have changed since the newest run."""
    address = context.address(context.layout.settings_file)
    try:
        read_settings(context.layout)
        changes = "; ".join(changed_settings(context.layout, context.runs))
    except ConfigurationError as error:
        context.findings.append(records.SETTINGS_REFUSED.at(address, problem=str(error)))
        changes = "they are invalid now"
    last = next((run for run in reversed(context.runs) if run.kind == "run" and run.status != "removed"), None)
    if last is not None and last.settings_sha256 != settings_digest(context.layout):
        kind = records.SETTINGS_CHANGED if context.layout.settings_file.exists() else records.SETTINGS_GONE
        context.findings.append(kind.at(address, run=last.run_id, changes=changes))
    copy = context.layout.copy_of(context.layout.settings_file)
    try:
        if last is not None and is_copy_damaged(context.layout, last.settings_sha256):
            context.findings.append(copies.COPY_BROKEN.at(context.address(copy), original=address))
        elif last is not None and last.settings_sha256 and not copy.exists() and context.stopped is None:
            context.findings.append(copies.COPY_GONE.at(context.address(copy), original=address))
    except OSError as error:
        context.findings.append(unreadable(context, error))


def check_erasure(context: Context) -> None:
    """Check the tombstones, and whether an erasure is unfinished."""
    layout = context.layout
    address = context.address(layout.tombstones_file)
    try:
        fields = read_object(layout.tombstones_file)
        if not isinstance(fields.get("key"), str) or not isinstance(fields.get("tombstones"), list):
            raise MalformedRecord("it has no key or no tombstones")
    except FileNotFoundError:
        pass
    except SealError as error:
        context.findings.append(records.TOMBSTONES_BROKEN.at(address, problem=str(error)))
    except MalformedRecord as error:
        context.findings.append(records.TOMBSTONES_MALFORMED.at(address, problem=str(error)))
    if layout.forget_file.exists():
        context.findings.append(records.FORGET_UNFINISHED.at(context.address(layout.forget_file)))


def check_ignore_file(context: Context) -> None:
    """Check the .gitignore that keeps git away from the data directory."""
    if not context.layout.keeps_git_away():
        context.findings.append(places.IGNORE_FILE.at(context.address(context.layout.ignore_file)))


def check_lock_and_checks(context: Context) -> None:
    """Check the content of the lock file, which is empty if the last writer was killed at its start, and of
    checks.json.
    """
    checks = context.layout.checks_file
    try:
        read_object(checks)
    except FileNotFoundError:
        pass
    except (SealError, MalformedRecord) as error:
        context.findings.append(records.CHECKS_BROKEN.at(context.address(checks), problem=str(error)))
    path = context.layout.lock_file
    if not path.exists() or not path.stat().st_size:
        return
    try:
        read_object(path)
    except (SealError, MalformedRecord) as error:
        context.findings.append(records.LOCK_BROKEN.at(context.address(path), problem=str(error)))
