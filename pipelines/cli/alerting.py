"""Announces the alerts of a command: lines on the terminal, the user's command, a notification of the desktop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from models.errors import ExtractError
from models.json import JsonObject
from pipelines.alerts.alert import Alert
from pipelines.alerts.announce import notify, run_command
from pipelines.alerts.announced import note_alerts, read_announced
from pipelines.cli.console import say
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings

OnAlert = Annotated[
    str | None,
    typer.Option(
        "--on-alert", metavar="CMD", help="A shell command for new alerts; it gets a summary as JSON on its input."
    ),
]
Unattended = Annotated[
    bool,
    typer.Option("--unattended", help="As schedules do it: quiet; then check a share, sync the copies, notify."),
]
Notify = Annotated[bool, typer.Option("--notify", help="Show new alerts on the desktop, if it can.")]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Announcing:
    """The way in which alerts are announced: by the user's command, by a notification, both or neither; and whether the
    command is unattended.
    """

    command: str | None = None
    is_notified: bool = False
    is_unattended: bool = False

    @property
    def sets_exit_code(self) -> bool:
        """Whether a run ends with exit code 6 after an alert: a person who typed `extract run` reads it instead."""
        return self.command is not None or self.is_notified or self.is_unattended


def announce_alerts(
    layout: Layout, alerts: Sequence[Alert], how: Announcing, *, run_id: str | None = None, are_all: bool = True
) -> list[Alert]:
    """Note the `alerts` that last (if they `are_all`, every other alert has ended), announce those that are due by the
    user's command and the notification, and return these. A failure of either goes to standard error and changes
    nothing else.
    """
    try:
        again = timedelta(days=read_settings(layout).alert_again_days)
        due = note_alerts(layout, alerts, datetime.now(UTC), again, are_all=are_all)
    except (ExtractError, OSError) as error:
        say(f"alerts could not be noted, so all are new next time: {error}", stderr=True)
        due = list(alerts)
    if due and how.command is not None:
        problem = run_command(how.command, summary_of(layout, alerts, due, run_id))
        if problem is not None:
            say(problem, stderr=True)
    if due and how.is_notified:
        notify(due)
    return due


def summary_of(
    layout: Layout, alerts: Sequence[Alert], due: Sequence[Alert] = (), run_id: str | None = None
) -> JsonObject:
    """Return the current alerts as JSON values: `announced` marks those announced now, `raised_at` is UTC."""
    known, announced = read_announced(layout), {one.key for one in due}
    return {
        "format": 1,
        "data": str(layout.root),
        "run_id": run_id,
        "alerts": [
            alert.to_json()
            | {
                "raised_at": known[alert.key].raised_at if alert.key in known else None,
                "announced": alert.key in announced,
            }
            for alert in alerts
        ],
    }


def say_alerts(alerts: Sequence[Alert], *, stderr: bool = False, shown: int = _SHOWN) -> None:
    """Print the first alerts, each in a line, and how many more there are."""
    for alert in alerts[:shown]:
        say(f"ALERT {alert.rule}: {alert.sentence}", is_bold=True, stderr=stderr)
    if len(alerts) > shown:
        say(f"and {len(alerts) - shown} more alerts: `extract alerts` lists them", stderr=stderr)
