"""Shared by the routes: the identity, filters and page of a request, and answers with an ETag."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated

from fastapi import HTTPException, Query, Request, Response

from models.json import JsonObject
from models.text import safe_json
from pipelines.api.limits import AnswerCache, RateLimit
from pipelines.api.metrics import ApiMetrics
from pipelines.api.tokens import ApiToken, Refused, TokenCheck
from pipelines.context.known import KnownSessions
from pipelines.context.questions import MOST, Page, Questions, SemanticSearch
from pipelines.context.visible import VisibleSessions, everything
from pipelines.look.filters import Filters
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.current import CurrentWarehouse

Note = Callable[[ApiToken, str], None]
"""Records an answer: the token, the route and an id; never content. It raises ExtractError if that cannot be recorded;
the answer is then not sent.
"""


@dataclass(frozen=True)
class ApiState:
    """The state that the requests of one server share."""

    warehouse: CurrentWarehouse
    tokens: TokenCheck
    rate: RateLimit
    cache: AnswerCache
    metrics: ApiMetrics
    semantic: SemanticSearch
    note: Note
    by_level: dict[str, Questions] = field(default_factory=dict)
    sessions: list[KnownSessions] = field(default_factory=list)

    def questions(self, token: ApiToken) -> Questions:
        """Return the questions of a token, with answers masked to its level."""
        if token.level not in self.by_level:
            level = None if token.level == "none" else PrivacyLevel[token.level.upper()]
            visible = everything if level in (None, PrivacyLevel.PRIVATE) else VisibleSessions(self.warehouse, level)
            self.by_level[token.level] = Questions(
                self.warehouse, level, self.semantic, visible=visible, sessions_in_memory=self.sessions
            )
        return self.by_level[token.level]


def state_of(request: Request) -> ApiState:
    """Return the state that all requests of the server share."""
    found = request.app.state.shared
    assert isinstance(found, ApiState)
    return found


def asker(request: Request) -> ApiToken:
    """Return the token of a request. Answers 401 without a valid one, and 429 to one that asks too often."""
    state = state_of(request)
    try:
        token = state.tokens.of(request.headers.get("Authorization"))
    except Refused as refused:
        raise HTTPException(401, str(refused), {"WWW-Authenticate": "Bearer"}) from refused
    if wait := state.rate.wait(token.token_id):
        raise HTTPException(429, "too many requests", {"Retry-After": str(int(wait) + 1)})
    return token


def filters(
    project: Annotated[str | None, Query(description="A part of the project's name, or a directory above it")] = None,
    since: Annotated[str | None, Query(description="Only from then on: 2026-03-01, yesterday")] = None,
    until: Annotated[str | None, Query(description="Only until then, that day included")] = None,
    touched: Annotated[str | None, Query(description="Only where a tool call names this file")] = None,
    tool: Annotated[str | None, Query(description="Only where this tool was called; * is allowed")] = None,
    model: Annotated[str | None, Query(description="Only of this model, or a part of its name")] = None,
    state: Annotated[str | None, Query(description="present, partial, expired or named_only")] = None,
    home: Annotated[str | None, Query(description="Only of this home, by its id")] = None,
) -> Filters:
    """Return the filters of a request."""
    return Filters(project, since, until, touched, tool, model, state, home)


def page(
    limit: Annotated[int, Query(ge=1, le=MOST, description="At most so many")] = 50,
    offset: Annotated[int, Query(ge=0, description="Leave out so many: next_offset of the answer before")] = 0,
) -> Page:
    """Return the page of a request."""
    return Page(limit, offset)


def answer(request: Request, token: ApiToken, about: str, question: Callable[[Questions], JsonObject]) -> Response:
    """Answer a question as JSON, with an ETag that holds until another warehouse is published; 304 to a client that
    sends this ETag.
    """
    return text_answer(request, token, about, lambda asked: as_json(question(asked)), "application/json")


def text_answer(
    request: Request, token: ApiToken, about: str, question: Callable[[Questions], str], media_type: str
) -> Response:
    """Answer a question as text of a type, as `answer` does."""
    state = state_of(request)
    questions = state.questions(token)
    visible = questions.visible()
    seen = "all" if visible is None else ",".join(sorted(visible))
    asked = "\n".join([state.warehouse.version, token.level, request.url.path, str(request.url.query), seen])
    etag = f'"{sha256(asked.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    body = state.cache.get(etag)
    if body is None:
        body = question(questions).encode("utf-8", "backslashreplace")
        state.cache.put(etag, body)
    state.note(token, about)
    return Response(body, media_type=media_type, headers=headers)


def as_json(value: JsonObject) -> str:
    """Return an object as JSON, with control and invisible characters as escapes."""
    return safe_json(json.dumps(value, ensure_ascii=False))
