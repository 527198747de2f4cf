"""Announces alerts outside the program: by a command of the user's, and by a notification of the desktop.

A notification may be seen by others, on a locked screen too: it has counts and rules, no name of a home or a file.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

import orjson

from models.amounts import listed, plural
from models.json import JsonObject
from models.text import safe
from pipelines.alerts.alert import Alert

_SECONDS: Final = 120
"""A command that takes longer is ended, so that it keeps no scheduled run from its end."""
_TITLE: Final = "extract"


def run_command(command: str, summary: JsonObject) -> str | None:
    """Run the user's command by the shell with `summary` as JSON on its standard input, and return a sentence on its
    failure, or None. Its output goes to standard error.
    """
    try:
        done = subprocess.run(
            command,
            shell=True,
            input=orjson.dumps(summary) + b"\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the command of --on-alert was ended after {_SECONDS} seconds: {command}"
    except OSError as error:
        return f"the command of --on-alert could not be started ({error.strerror}): {command}"
    sys.stderr.write(safe(done.stdout.decode(errors="replace"), keep_newlines=True))
    return f"the command of --on-alert ended with {done.returncode}: {command}" if done.returncode else None


def notify(alerts: Sequence[Alert]) -> bool:
    """Show a notification on the desktop, and return whether a program of this machine reported that it was shown."""
    text = notification(alerts)
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    command = (
        ["osascript", "-e", f'display notification "{quoted}" with title "{_TITLE}"']
        if sys.platform == "darwin"
        else ["notify-send", "--app-name", _TITLE, "--urgency", "critical", _TITLE, text]
    )
    try:
        return subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def notification(alerts: Sequence[Alert]) -> str:
    """Return the text of a notification."""
    rules = listed(Counter(str(one.rule) for one in alerts))
    return f"{plural(len(alerts), 'alert')}: {rules}. `extract status` shows more."
