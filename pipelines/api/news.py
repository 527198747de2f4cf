"""Reports each new run, as a stream of server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from anyio import to_thread

from models.json import JsonObject
from pipelines.warehouse.current import CurrentWarehouse

_SILENCE: Final = 15
"""Pauses after which a comment is sent: a client that has gone is noticed then."""
_NEW: Final = """
    SELECT r.run_id, r.finished_at,
        (SELECT count(DISTINCT o.session_id) FROM occurrences o WHERE o.run_id = r.run_id) AS session_count,
        (SELECT count(*) FROM occurrences o WHERE o.run_id = r.run_id) AS message_count,
        (SELECT list(DISTINCT o.session_id)[:100] FROM occurrences o WHERE o.run_id = r.run_id) AS session_ids
    FROM runs r ORDER BY r.run_id DESC LIMIT 1
"""


def newest(warehouse: CurrentWarehouse) -> JsonObject:
    """Return the run that the published warehouse was built by, and the sessions of which it has something new: at most
    100 of their ids.
    """
    with warehouse.reading() as connection:
        found = connection.execute(_NEW).fetchone()
    run_id, finished_at, sessions, messages, ids = found or (None, None, 0, 0, None)
    return {
        "run_id": run_id,
        "finished_at": finished_at.isoformat() if finished_at else None,
        "session_count": sessions,
        "message_count": messages,
        "session_ids": sorted(one for one in ids or [] if one),
    }


async def events(
    warehouse: CurrentWarehouse,
    is_gone: Callable[[], Awaitable[bool]],
    shown: Callable[[JsonObject], JsonObject],
    pause: float = 1.0,
) -> AsyncIterator[str]:
    """Yield the newest run at once, and each that publishes a warehouse from then on, until the reader is gone. `shown`
    is applied to each run that is sent. `pause` is the time between two looks, in seconds.
    """
    seen, silent = None, 0
    while not await is_gone():
        version = warehouse.version
        silent += 1
        if version and version != seen:
            seen, silent = version, 0
            news = shown(await to_thread.run_sync(newest, warehouse))
            yield f"id: {news['run_id']}\nevent: run\ndata: {json.dumps(news)}\n\n"
        elif silent >= _SILENCE:
            silent = 0
            yield ": nothing new\n\n"
        await asyncio.sleep(pause)
