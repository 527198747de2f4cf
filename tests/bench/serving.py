"""The load test of the API: `python -m tests.bench.serving --data DIR` prints p50 and p95 of 100 clients at once, and
the CPU time of the server for each request.

Each client asks for another session, or searches another word, after a pause, as programs do; with `--pause 0` it asks
again at once, which measures what the server can do at most. Distinct requests are computed; repeated ones come from
the cache; those with an ETag are answered by 304.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx

from pipelines.api.tokens import create_token, revoke_token
from pipelines.disk.layout import Layout
from pipelines.warehouse.publish import open_warehouse
from tests.answers import free_port

ROOT = Path(__file__).resolve().parents[2]
_WORDS = """
    SELECT DISTINCT unnest(regexp_extract_all(text, '[a-z]{5,12}')) AS word FROM message_texts
    ORDER BY hash(word) LIMIT 1000
"""
GOALS = {"session": 100, "search": 500}
"""The goals for p95, in milliseconds."""


def main() -> None:
    """Start a server, load it, and print what the clients saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--requests", type=int, default=10, help="for each client")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between an answer and the next request")
    given = parser.parse_args()
    layout = Layout(given.data.absolute())
    name = f"load-{time.time_ns()}"
    _, token = create_token(layout, name, "bench", "private", 1)
    port = free_port()
    command = [sys.executable, "-m", "pipelines", "serve", "--port", str(port), "--rate", "100000"]
    with subprocess.Popen(
        [*command, "--data", str(layout.root)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        server.stderr.readline()
        try:
            asyncio.run(_load(f"http://127.0.0.1:{port}/api/v1", token, layout, given, server.pid))
        finally:
            server.terminate()
            revoke_token(layout, name)


async def _load(base: str, token: str, layout: Layout, given: argparse.Namespace, server: int) -> None:
    with closing(open_warehouse(layout)) as connection:
        ids = [
            row[0] for row in connection.execute("SELECT session_id FROM sessions WHERE record_count > 0").fetchall()
        ]
        words = [row[0] for row in connection.execute(_WORDS).fetchall()]
    limits = httpx.Limits(max_connections=given.clients)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, limits=limits, timeout=60) as client:
        while True:
            try:
                await client.get("/health")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.1)
        await client.get("/search", params={"q": words[0]})
        sessions = [f"/sessions/{one}" for one in ids]
        searches = [f"/search?q={one}" for one in words[1:]]
        for goal, what, paths, has_etag in (
            ("session", "sessions, distinct", sessions, False),
            ("session", "sessions, with ETag", sessions[: given.clients], True),
            ("search", "searches, distinct", searches, False),
            ("search", "searches, repeated", searches[: given.clients], False),
            ("search", "searches, with ETag", searches[: given.clients], True),
        ):
            before = _cpu(server)
            took = await _clients(client, paths, given, has_etag=has_etag)
            _report(what, took, _cpu(server) - before, GOALS[goal])


def _cpu(process: int) -> float:
    """Return the CPU time of a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _clients(
    client: httpx.AsyncClient, paths: Sequence[str], given: argparse.Namespace, *, has_etag: bool
) -> list[float]:
    took: list[float] = []
    etags: dict[str, str] = {}

    async def one(number: int) -> None:
        await asyncio.sleep(given.pause * number / given.clients)
        for turn in range(given.requests):
            began = time.perf_counter()
            path = paths[(number + turn * given.clients) % len(paths)]
            answer = await client.get(path, headers={"If-None-Match": etags[path]} if path in etags else {})
            took.append(time.perf_counter() - began)
            if answer.status_code != 304:
                answer.raise_for_status()
            if has_etag:
                etags[path] = answer.headers["ETag"]
            await asyncio.sleep(given.pause)

    await asyncio.gather(*(one(number) for number in range(given.clients)))
    return took


def _report(what: str, took: Sequence[float], cpu: float, goal: int) -> None:
    ordered = sorted(took)
    p50, p95 = (round(1000 * ordered[int(len(ordered) * share)]) for share in (0.5, 0.95))
    each = 1000 * cpu / len(took)
    sys.stdout.write(
        f"{what}: {len(took)} requests, p50 {p50} ms, p95 {p95} ms (goal: below {goal} ms), {each:.1f} ms of CPU each\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
