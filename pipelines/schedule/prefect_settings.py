"""What Prefect is told before it is imported: its state lies below the data directory, for its owner alone; nothing is
sent to anyone; its temporary server gets the time that it needs.

Prefect's settings are known by their variables here: it reads them when it is imported.
"""

import os
import secrets
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from models.errors import ConfigurationError
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.platform import make_files_private
from pipelines.run.home_listing import refuse_within_homes
from pipelines.run.request import homes_of

SERVER: Final = "PREFECT_API_URL"
STATE: Final = "PREFECT_HOME"

_ALWAYS: Final = {
    # Telemetry has two channels, each silenced by a variable of its own.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    # 20 otherwise, which a busy machine does not always keep: the run then dies before it begins.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}


def prepare_prefect(
    layout: Layout,
    homes: Iterable[Path] | None = None,
    *,
    for_this_process: bool = True,
    environment: MutableMapping[str, str] = os.environ,
) -> None:
    """Set what is not set yet in `environment`, and let new files be private. Does nothing once Prefect is imported.

    A user who has set PREFECT_API_URL or PREFECT_HOME has a Prefect of his own, which is used as it is. Otherwise its
    state goes below `layout`; `for_this_process` lets the temporary server answer to nobody else. Raises
    ConfigurationError where that state would lie in one of `homes` (without any, those of the surroundings): Prefect
    writes there as soon as it is imported. Raises DataDirectoryError when its directory cannot be made.
    """
    if "prefect" in sys.modules:
        return
    make_files_private()
    for name, value in _ALWAYS.items():
        environment.setdefault(name, value)
    if SERVER in environment or STATE in environment:
        return
    refuse_within_homes(layout.prefect, _default_homes() if homes is None else homes)
    with disk_errors():
        make_private(layout.prefect)
    environment[STATE] = os.fspath(layout.prefect)
    if for_this_process:
        token = f"extract:{secrets.token_urlsafe(24)}"
        environment["PREFECT_SERVER_API_AUTH_STRING"] = token
        environment["PREFECT_API_AUTH_STRING"] = token


def _default_homes() -> list[Path]:
    with suppress(ConfigurationError):
        return [home for _, home in homes_of(())]
    return []
