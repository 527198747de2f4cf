"""The routes that report on lakes and exchange runs with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from models.json import JsonObject
from pipelines.api.dependencies import as_json, asker
from pipelines.api.tokens import ApiToken

router = APIRouter(prefix="/api/v1/sync")

Asker = Annotated[ApiToken, Depends(asker)]
_OWNERS = ("none", "private")


@dataclass(frozen=True)
class SyncActions:
    """The functions that the routes call; each returns the answer."""

    status: Callable[[], JsonObject]
    push: Callable[[], JsonObject]
    pull: Callable[[], JsonObject]


@router.get("/status", response_class=Response)
def status(request: Request, token: Asker) -> Response:
    """Return the runs that are not pushed to lakes yet, and since when. Connects to no lake. 501 where this server has
    no lakes.
    """
    return _done(token, _actions(request).status)


@router.post("/push", response_class=Response)
def push(request: Request, token: Asker) -> Response:
    """Push new runs to the lakes of this machine. Only for tokens of level none and private."""
    return _done(token, _actions(request).push)


@router.post("/pull", response_class=Response)
def pull(request: Request, token: Asker) -> Response:
    """Pull the runs that other machines have pushed. Only for tokens of level none and private."""
    return _done(token, _actions(request).pull)


def _actions(request: Request) -> SyncActions:
    found = request.app.state.sync
    if not isinstance(found, SyncActions):
        raise HTTPException(501, "this server has no lakes")
    return found


def _done(token: ApiToken, action: Callable[[], JsonObject]) -> Response:
    if token.level not in _OWNERS:
        raise HTTPException(403, "only a token of level none or private may do that")
    return Response(as_json(action()), media_type="application/json")
