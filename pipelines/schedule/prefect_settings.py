"""Settings that must be in the environment before Prefect is imported, because it reads them then.

They put Prefect's state below the data directory (readable by the owner only), turn telemetry off, and give its
temporary server enough time to start.
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
    # Telemetry has two channels; each has its own variable.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    # The default, 20, is too short on a busy machine: the flow then fails before it starts.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}


def prepare_prefect(
    layout: Layout,
    homes: Iterable[Path] | None = None,
    *,
    for_this_process: bool = True,
    environment: MutableMapping[str, str] = os.environ,
) -> None:
    """Set the variables that are not set yet in `environment`, and make new files private. Does nothing once Prefect is
    imported.

    With PREFECT_API_URL or PREFECT_HOME set, the user's own Prefect is used unchanged. Otherwise its state is kept
    below `layout`; with `for_this_process` the temporary server requires a random token that only this process has.
    Raises ConfigurationError when that state would be in one of `homes` (default: the homes of the environment),
    because Prefect writes there on import; DataDirectoryError when its directory cannot be created.
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
