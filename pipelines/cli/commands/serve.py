"""`extract serve`: the archive for programs, over HTTP."""

from typing import Annotated, Final

import typer
import uvicorn

from models.errors import ConfigurationError, ExtractError
from models.json import JsonObject, JsonValue
from models.observer import Observer
from pipelines.api.accesses import AccessLog
from pipelines.api.app import application
from pipelines.api.dependencies import ApiState
from pipelines.api.limits import AnswerCache, RateLimit
from pipelines.api.metrics import ApiMetrics
from pipelines.api.sync import SyncActions
from pipelines.api.tokens import TokenCheck, read_tokens
from pipelines.cli.console import say
from pipelines.cli.lakes import status_of
from pipelines.cli.loader import semantic_search
from pipelines.cli.options import Data, command, layout_of
from pipelines.disk.layout import Layout
from pipelines.lake.every import push_all
from pipelines.lake.known import chosen_lakes
from pipelines.lake.pull import pull
from pipelines.warehouse.current import CurrentWarehouse
from pipelines.warehouse.opened import no_warehouse

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_WHY: Final = "asked through the API"
_PORT: Final = 8790


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="The port.")] = _PORT,
    rate: Annotated[
        float,
        typer.Option("--rate", metavar="N", min=0.1, help="Requests a second for each token, twice as many at once."),
    ] = 50.0,
    certificate: Annotated[
        str | None, typer.Option("--tls-cert", metavar="FILE", help="Serve HTTPS: the certificate.")
    ] = None,
    key: Annotated[str | None, typer.Option("--tls-key", metavar="FILE", help="Serve HTTPS: its key.")] = None,
    data: Data = None,
) -> None:
    """Serve the archive to programs (HTTP).

    Sessions, conversations, search, projects, usage, prompts, tool calls below /api/v1, and a page about it at
    /api/v1/docs. Every request but health needs a token of `extract token create`. Only the published warehouse is
    read; nothing is ever written to a home.

    By default only programs of this machine can connect. Another --host needs --tls-cert and --tls-key: tokens would
    be readable on the way.
    """
    layout = layout_of(data)
    if host not in _LOOPBACK and not (certificate and key):
        raise ConfigurationError(
            f"{host} is reachable from elsewhere: give --tls-cert and --tls-key, or leave out --host"
        )
    warehouse = CurrentWarehouse(layout)
    if not warehouse.version:
        raise no_warehouse(layout)
    address = f"{'https' if certificate else 'http'}://{host}:{port}"
    say(f"{address}/api/v1/docs describes the routes. Ctrl-C ends it.", stderr=True)
    if not any(one.is_valid for one in read_tokens(layout)):
        say(f"There is no token yet: {command('token create NAME', data)}", stderr=True)
    accesses = AccessLog(layout, address)
    try:
        uvicorn.run(
            application(_state(layout, warehouse, rate, accesses), _sync(layout), hosts=(host,)),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_graceful_shutdown=2,
        )
    finally:
        accesses.close()


def _state(layout: Layout, warehouse: CurrentWarehouse, rate: float, accesses: AccessLog) -> ApiState:
    limit = RateLimit(rate, max(1, int(2 * rate)))
    find = semantic_search(layout)
    return ApiState(warehouse, TokenCheck(layout), limit, AnswerCache(), ApiMetrics(), find, accesses.note)


def _sync(layout: Layout) -> SyncActions:
    """Return the actions of the sync routes: those of the commands of `extract lake`, for all lakes of this machine."""

    def pushed() -> JsonObject:
        outcomes = push_all(layout, chosen_lakes(layout, None), Observer(), why=_WHY)
        return {"lakes": [one.to_json() for one in outcomes]}

    def pulled() -> JsonObject:
        made: list[JsonValue] = []
        for known in chosen_lakes(layout, None):
            try:
                made.append(pull(layout, known, Observer(), why=_WHY).to_json())
            except ExtractError as error:
                made.append({"lake": known.to_json(), "error": str(error)})
        return {"lakes": made}

    return SyncActions(lambda: status_of(layout), pushed, pulled)
