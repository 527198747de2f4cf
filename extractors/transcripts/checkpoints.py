"""Records of checkpoints: the files of which Claude Code kept a version before changing them.

{"type":"file-history-snapshot","messageId":"1febf416-…","isSnapshotUpdate":false,"snapshot":{"messageId":"1febf416-…",
 "timestamp":"2026-06-01T01:22:04.079Z","trackedFileBackups":{"src/app.py":
 {"backupFileName":"665bd0836b9fc8cb@v2","version":2,"backupTime":"2026-06-01T01:22:03.900Z"}}}}
"""

import re
from datetime import datetime
from typing import Final, NamedTuple

from extractors.reading.contract import instant_of_iso
from extractors.transcripts.draft import Draft, text_of
from extractors.transcripts.tables import FILE_CHECKPOINTS
from models.json import JsonValue

_BACKUP_NAME: Final = re.compile(r"([0-9a-f]{16})@v([0-9]{1,9})")
_BACKUP_FIELDS: Final = frozenset({"backupFileName", "version", "backupTime", "realParentDir"})


def read_snapshot(draft: Draft) -> None:
    """Add a row for each file that a snapshot tracks."""
    snapshot = draft.object("snapshot")
    tracked = snapshot.get("trackedFileBackups")
    is_update = draft.kept.get("isSnapshotUpdate")
    checkpoint = _Checkpoint(
        draft.session_id,
        text_of(draft.kept, "messageId"),
        text_of(snapshot, "messageId"),
        is_update if isinstance(is_update, bool) else None,
        False,
        _instant(snapshot.get("timestamp")),
    )
    for path, backup in tracked.items() if isinstance(tracked, dict) else ():
        _track(draft, checkpoint, path, backup, "snapshot.trackedFileBackups")


def read_delta(draft: Draft) -> None:
    """Add the row of a file that was added to a snapshot."""
    path = text_of(draft.kept, "trackingPath")
    if path is not None:
        message, snapshot = text_of(draft.kept, "messageId"), text_of(draft.kept, "snapshotMessageId")
        checkpoint = _Checkpoint(draft.session_id, message, snapshot, None, True, draft.recorded_at)
        _track(draft, checkpoint, path, draft.kept.get("backup"), "backup")


class _Checkpoint(NamedTuple):
    """The first columns of `file_checkpoints`, which all files of a checkpoint share."""

    session_id: str | None
    message_uuid: str | None
    snapshot_message_uuid: str | None
    is_update: bool | None
    is_delta: bool
    checkpoint_at: datetime | None


def _track(draft: Draft, checkpoint: _Checkpoint, path: str, backup: JsonValue, place: str) -> None:
    if not isinstance(backup, dict):
        draft.count_unknown(place)
        return
    if not backup.keys() <= _BACKUP_FIELDS:
        for unknown in sorted(backup.keys() - _BACKUP_FIELDS):
            draft.count_unknown(f"{place}.{unknown}")
    backup_at = _instant(backup.get("backupTime"))
    if backup_at is None and backup.get("backupTime") is not None:
        draft.count_unknown(f"{place}.backupTime")
    name = text_of(backup, "backupFileName")
    match = None if name is None else _BACKUP_NAME.fullmatch(name)
    version = backup.get("version")
    if type(version) is not int or abs(version) >= 2**63:
        version = None if match is None else int(match[2])
    draft.rows.append(
        FILE_CHECKPOINTS.row_of(
            (
                *checkpoint,
                path,
                name,
                None if match is None else match[1],
                version,
                backup_at,
                text_of(backup, "realParentDir"),
            )
        )
    )


def _instant(value: JsonValue) -> datetime | None:
    return instant_of_iso(value) if isinstance(value, str) else None
