"""alerts.json: when each alert was first raised and last announced, by its key; no text of an alert is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import orjson

from models.errors import FixityError
from models.json import JsonObject
from pipelines.alerts.alert import Alert
from pipelines.disk.atomic import disk_errors, read_sealed, write_sealed
from pipelines.disk.layout import Layout


@dataclass(frozen=True, slots=True)
class Announced:
    """When an alert was first raised and last announced (ISO 8601, UTC)."""

    raised_at: str
    announced_at: str


def read_announced(layout: Layout) -> Mapping[str, Announced]:
    """Return the alerts that lasted when they were last noted, by key; an empty dict if the file is missing or damaged:
    then every alert is new.
    """
    try:
        held = orjson.loads(read_sealed(layout.alerts_file))
        made = {str(key): Announced(**one) for key, one in held["alerts"].items()}
        for one in made.values():
            datetime.fromisoformat(one.raised_at)
            datetime.fromisoformat(one.announced_at)
    except (OSError, FixityError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return made


def note_alerts(
    layout: Layout, alerts: Sequence[Alert], now: datetime, again: timedelta, *, are_all: bool = True
) -> list[Alert]:
    """Note that `alerts` last at `now` (UTC), forget the others, which have ended (if `are_all`), and return those
    to be announced: the new ones, and those last announced `again` ago, or in the future by a clock that was put back.

    Raises DataDirectoryError.
    """
    known = read_announced(layout)
    noted: dict[str, Announced] = {} if are_all else dict(known)
    due = []
    for alert in alerts:
        before = known.get(alert.key)
        if before is not None and timedelta(0) <= now - datetime.fromisoformat(before.announced_at) < again:
            noted[alert.key] = before
            continue
        at = now.isoformat(timespec="seconds")
        noted[alert.key] = Announced(before.raised_at if before is not None else at, at)
        due.append(alert)
    if noted != known:
        fields: JsonObject = {"format": 1, "alerts": {key: asdict(one) for key, one in noted.items()}}
        with disk_errors():
            write_sealed(layout.alerts_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "alerts")
    return due
