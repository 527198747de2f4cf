"""The rules of alerts: each is a function of figures and limits, and returns the alerts that these give.

The limits are settings; a limit of 0 turns its rule off. Sizes are in bytes, instants aware datetimes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from models.amounts import count, plural, size
from pipelines.alerts.alert import Alert, AlertRule
from pipelines.disk.settings import Settings

_SLACK: Final = timedelta(days=7)
"""Claude Code deletes by age when it starts, so a file may become this much older than the limit before it goes."""
_NAMES: Final = 20
_USUAL_RUNS: Final = 20
_FEWEST_RUNS: Final = 5
_MB: Final = 1_000_000
_DELETED_BY_AGE: Final = (
    *("projects", "file-history", "plans", "debug", "paste-cache", "image-cache", "session-env", "tasks", "todos"),
    *("shell-snapshots", "feedback-bundles", "uploads", "backups", "statsig", "logs"),
)
_PLENTY: Final = 20_000 * _MB
"""With so much room a disk is not nearly full, however large it is."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The files of a home that a run found gone, each by the time of its last change, and the number of those still
    there. `before` is when the run before saw them, `now` when `run_id` missed them.
    """

    home_id: str
    run_id: str
    changed_at: Sequence[datetime]
    files_left: int
    before: datetime
    now: datetime


def vanished(gone: Gone, settings: Settings) -> list[Alert]:
    """Alert if the share of a home that vanished early is over the limit. A file vanishes early if it did not reach the
    age at which Claude Code deletes between the two runs, some days more or less.
    """
    age = timedelta(days=settings.cleanup_days)
    oldest, youngest = gone.before - age - _SLACK, gone.now - age + timedelta(days=1)
    early = sum(not oldest <= one <= youngest for one in gone.changed_at)
    files = len(gone.changed_at) + gone.files_left
    if not settings.alert_vanished_percent or early * 100 <= settings.alert_vanished_percent * files:
        return []
    percent = early * 100 // files
    return [
        Alert(
            AlertRule.VANISHED,
            gone.home_id,
            f"{count(early)} of {plural(files, 'file')} of home {gone.home_id} ({percent} %) vanished since the run "
            "before, and not by their age",
            "The archive still has all files read by earlier runs: `extract files --state expired` lists them, "
            "`extract restore` writes them to another directory. Do not run `extract gc` or `extract forget` before "
            "you know the cause.",
            {"files_vanished": early, "files_before": files, "vanished_percent": percent},
            run_id=gone.run_id,
        )
    ]


def whole_homes_gone(not_found: Mapping[str, str], known: Iterable[str], settings: Settings) -> list[Alert]:
    """Alert for each home that earlier runs read (`known`) and that is not there now; `not_found` has the reasons."""
    if not settings.alert_vanished_percent:
        return []
    return [
        Alert(
            AlertRule.VANISHED,
            home_id,
            f"home {home_id} has vanished: {not_found[home_id]}",
            "The archive still has all files read by earlier runs: `extract restore` writes them to another directory. "
            "If the home is gone for good, `extract home remove` stops looking for it.",
            {"vanished_percent": 100},
        )
        for home_id in sorted(set(not_found) & set(known))
    ]


@dataclass(frozen=True, slots=True)
class Unread:
    """A file of a home whose present bytes no run has read: its address, when it was last changed, its size."""

    address: str
    home_id: str
    changed_at: datetime
    size: int


def expiring(unread: Iterable[Unread], now: datetime, settings: Settings) -> list[Alert]:
    """Alert for each home with unread files that are within `alert_delete_days` of the age at which Claude Code deletes
    them, or past it.
    """
    if not settings.alert_delete_days:
        return []
    youngest = now - timedelta(days=settings.cleanup_days - settings.alert_delete_days)
    homes: dict[str, list[Unread]] = {}
    for one in sorted(unread, key=lambda one: (one.changed_at, one.address)):
        if one.changed_at <= youngest:
            homes.setdefault(one.home_id, []).append(one)
    return [_expiring(home_id, files, now, settings) for home_id, files in sorted(homes.items())]


def _expiring(home_id: str, files: Sequence[Unread], now: datetime, settings: Settings) -> Alert:
    """Return the alert on unread files of a home, the oldest first."""
    length, days = sum(one.size for one in files), settings.cleanup_days - settings.alert_delete_days
    return Alert(
        AlertRule.EXPIRING,
        home_id,
        f"Claude Code is about to delete {plural(len(files), 'file')} of home {home_id} that no run has read: "
        f"{size(length)}, not changed for {days} days or longer",
        "`extract run` now. If files stay unread after it, `extract report` says why.",
        {"files": len(files), "bytes": length, "oldest_days": (now - files[0].changed_at).days},
        tuple(one.address for one in files[:_NAMES]),
    )


def overdue(
    what: str, subject: str, last: datetime | None, now: datetime, allowed: timedelta, run_id: str = ""
) -> list[Alert]:
    """Alert if the last success of a run or a sync (`last`, None: never) is longer ago than is allowed. `what` begins
    the sentence, as in "home laptop was last read"; `run_id` is that of a run that came so late. A clock that was put
    back is no delay.
    """
    if not allowed or (last is not None and now - last <= allowed):
        return []
    ago = f"{plural((now - last).days, 'day')} ago" if last is not None else "never"
    figures = {"days": (now - last).days} if last is not None else {}
    return [
        Alert(
            AlertRule.OVERDUE,
            subject,
            f"{what} {ago}, and {plural(allowed.days, 'day')} are allowed",
            "`extract schedule status` shows whether the scheduler started runs, and how they ended.",
            figures | {"allowed_days": allowed.days},
            run_id=run_id,
        )
    ]


def disk(free: int, total: int, warehouse: int, settings: Settings) -> list[Alert]:
    """Alert if the disk of the data directory has less than the set share free (and less than 20 GB), or no room for
    the next `warehouse`.
    """
    if not settings.alert_disk_percent:
        return []
    is_short = free * 100 < settings.alert_disk_percent * total and free < _PLENTY
    if not is_short and free >= warehouse:
        return []
    why = "nearly full" if is_short else "too full for the next warehouse"
    return [
        Alert(
            AlertRule.DISK,
            "disk",
            f"The disk of the data directory is {why}: {size(free)} of {size(total)} are free",
            "Make room, or move the data directory to a larger disk. `extract gc` deletes earlier warehouses.",
            {"free_bytes": free, "total_bytes": total, "warehouse_bytes": warehouse},
        )
    ]


def new_types(run_id: str, names: Sequence[str]) -> list[Alert]:
    """Alert if a run found record types (`names`, as `source: type`) that no earlier run had."""
    if not names:
        return []
    types = plural(len(names), "record type")
    return [
        Alert(
            AlertRule.NEW_TYPES,
            "types",
            f"{types} that no extractor and no earlier run knew",
            "The entries are archived, with their fields as JSON. A newer version of `extract` may know the types; the "
            "report has an address of each.",
            {"types": len(names)},
            tuple(names[:_NAMES]),
            run_id,
        )
    ]


def growth(run_id: str, added: int, earlier: Sequence[int], settings: Settings) -> list[Alert]:
    """Alert if a run `added` many times as many bytes as the earlier runs (oldest first) usually did, of which those
    that added nothing do not count.
    """
    usual = [one for one in earlier if one][-_USUAL_RUNS:]
    if not settings.alert_growth_times or len(usual) < _FEWEST_RUNS:
        return []
    middle = median(usual)
    if added <= settings.alert_growth_times * middle or added < settings.alert_growth_mb * _MB:
        return []
    return [
        Alert(
            AlertRule.GROWTH,
            "growth",
            f"The run found {size(added)} that were new, and {size(int(middle))} are usual",
            "`extract report` shows the counts of each source, `extract sessions` the newest sessions.",
            {"bytes": added, "usual_bytes": int(middle)},
            run_id=run_id,
        )
    ]


@dataclass(frozen=True, slots=True)
class Sized:
    """A file of a home: its address, its size, and whether it is a transcript."""

    address: str
    size: int
    is_transcript: bool


def is_large(length: int, settings: Settings, *, is_transcript: bool) -> bool:
    """Whether a file of `length` bytes is past the limit for its kind."""
    limit = settings.alert_transcript_mb if is_transcript else settings.alert_file_mb
    return bool(limit) and length > limit * _MB


def large(files: Iterable[Sized], settings: Settings) -> list[Alert]:
    """Alert for each transcript and each other file past its limit, the largest first, with its address."""
    made = []
    for one in sorted(files, key=lambda one: (-one.size, one.address)):
        if not is_large(one.size, settings, is_transcript=one.is_transcript):
            continue
        kind = "transcript" if one.is_transcript else "file"
        limit = settings.alert_transcript_mb if one.is_transcript else settings.alert_file_mb
        made.append(
            Alert(
                AlertRule.LARGE,
                one.address,
                f"{kind} of {size(one.size)}, over the limit of {size(limit * _MB)}: {one.address}",
                "Claude Code reads a transcript whole to resume its session: begin a new session."
                if one.is_transcript
                else "Look whether it belongs in the home; the setting alert_file_mb changes the limit.",
                {"bytes": one.size, "limit_bytes": limit * _MB},
                (one.address,),
            )
        )
    return made


def broken(subject: str, sentence: str, what_to_do: str = "") -> list[Alert]:
    """Alert that bytes differ from their digest, or that a check failed."""
    advice = what_to_do or "`extract verify` names the damaged files, `extract repair` mends it as far as possible."
    return [Alert(AlertRule.FIXITY, subject, sentence, advice)]


def is_deleted_by_age(path: str) -> bool:
    """Whether Claude Code deletes a path of a home by its age (extractors/FORMATS.md, "The home")."""
    top, _, below = path.partition("/")
    return top in _DELETED_BY_AGE and not (top == "projects" and "/memory/" in f"/{below}")


def failed(what: str, sentence: str) -> list[Alert]:
    """Alert that a scheduled command ended with an error; `what` is the command, and the place it was about."""
    return [
        Alert(AlertRule.FAILED, what, sentence, "Do the next step of the message; then run the command by hand once.")
    ]
