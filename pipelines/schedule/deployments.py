"""The deployments of the flows on a machine: those of prefect.yaml, with its data directory, homes and time zone, so
that a worker needs no variable of a shell. `extract flow deploy` writes them, from a checkout or a wheel alike.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from models.json import JsonObject, JsonValue
from pipelines.disk.layout import ENVIRONMENT_VARIABLE
from pipelines.run.request import HOMES_VARIABLE

POOL: Final = "extract"
"""The work pool of the deployments."""
_FLOWS: Final = "pipelines.schedule.flows"
_DEPLOYMENTS: Final = (
    (
        "weekly",
        "extract",
        "0 2 * * 0",
        "Extract every known home, check a share of the archive, sync its copies, push to its lakes.",
    ),
    ("monthly", "verify", "0 4 1 * *", "Verify the archive, and the bytes of a random share of it."),
    ("quarterly", "drill", "0 6 2 1,4,7,10 *", "Restore everything and compare it."),
)


def prefect_file(
    data: Path,
    homes: Sequence[str],
    zone: str,
    environment: Mapping[str, str] = os.environ,
    *,
    push: bool = False,
) -> JsonObject:
    """Return the content of a prefect.yaml: `homes` are `PATH` or `NAME=PATH`, or empty for those that the archive
    knows; `zone` is the time zone of the schedules, as in `Europe/Berlin`; `push`: each run pushes to every lake.
    """
    kept: dict[str, JsonValue] = {ENVIRONMENT_VARIABLE: os.fspath(data)}
    if environment.get(HOMES_VARIABLE):
        kept[HOMES_VARIABLE] = environment[HOMES_VARIABLE]
    made: list[JsonValue] = []
    for name, function, cron, description in _DEPLOYMENTS:
        parameters: JsonObject = {"data": os.fspath(data)}
        if function == "extract":
            parameters["homes"] = list(homes) or None
            parameters["push"] = push
        made.append(
            {
                "name": name,
                "description": description,
                "entrypoint": f"{_FLOWS}.{function}",
                "parameters": parameters,
                "schedules": [{"cron": cron, "timezone": zone}],
                "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
                "work_pool": {"name": POOL, "job_variables": {"env": kept}},
            }
        )
    return {"name": "claude-code-warehouse", "deployments": made}


def local_zone(environment: Mapping[str, str] = os.environ, link: Path = Path("/etc/localtime")) -> str:
    """Return the name of this machine's time zone: of TZ, else of the file that /etc/localtime links to, else UTC."""
    named = environment.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    try:
        _, found, zone = os.readlink(link).partition("/zoneinfo/")
    except OSError:
        return "UTC"
    zone = zone.removeprefix("posix/").removeprefix("right/")
    return zone if found and zone else "UTC"
