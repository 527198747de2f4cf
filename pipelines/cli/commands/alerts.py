"""`extract alerts`: shows and announces the problems that need a person's attention."""

import os
from pathlib import Path

import typer

from models.amounts import moment, plural
from models.errors import ExitCode
from pipelines.alerts.announced import read_announced
from pipelines.cli.alerting import Announcing, Notify, OnAlert, announce_alerts, summary_of
from pipelines.cli.console import say, say_json, say_wrapped
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.run.status import status_of
from pipelines.schedule.native import allowed_days


def alerts(data: Data = None, on_alert: OnAlert = None, notify: Notify = False, as_json: AsJson = False) -> None:
    """Show problems: lost files, a full disk, late runs.

    Walks each home, as `extract status` does. The exit code is 6 if there is an alert.
    """
    layout = layout_of(data)
    found = status_of(layout, allowed_days(Path.home(), os.environ)).alerts
    due = announce_alerts(layout, found, Announcing(on_alert, notify)) if on_alert or notify else []
    if as_json:
        say_json(summary_of(layout, found, due))
    else:
        known = read_announced(layout)
        say(f"{plural(len(found), 'alert')}" if found else "No alert.", is_bold=True)
        for one in found:
            since = f" (since {moment(known[one.key].raised_at)})" if one.key in known else ""
            say_wrapped(f"{one.rule}: {one.sentence}{since}")
            for name in one.names:
                if name not in one.sentence:
                    say(f"  {name}")
            say_wrapped(f"  {one.what_to_do}")
    if found:
        raise typer.Exit(ExitCode.ALERT)
