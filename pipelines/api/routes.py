"""The routes below /api/v1 that answer from the published warehouse."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from models.json import JsonObject, JsonValue
from pipelines.api.dependencies import answer, as_json, asker, filters, page, state_of, text_answer
from pipelines.api.news import events
from pipelines.api.tokens import ApiToken
from pipelines.context.documents import document
from pipelines.context.questions import Page
from pipelines.context.values import TEXT_CHARACTERS, object_of
from pipelines.look.filters import Filters
from pipelines.look.search import SearchQuery

router = APIRouter(prefix="/api/v1")

Asker = Annotated[ApiToken, Depends(asker)]
Wanted = Annotated[Filters, Depends(filters)]
Paged = Annotated[Page, Depends(page)]
Text = Annotated[int, Query(ge=20, le=1_000_000, description="Cut each text after so many characters")]


class SearchMode(StrEnum):
    """The kinds of search: by words, or by words and meaning."""

    TEXT = "text"
    SEMANTIC = "semantic"


class SessionForm(StrEnum):
    """The forms of an exported session."""

    MD = "md"
    HTML = "html"
    JSON = "json"


_TYPES = {
    SessionForm.MD: "text/markdown; charset=utf-8",
    SessionForm.HTML: "text/html",
    SessionForm.JSON: "application/json",
}


@router.get("/sessions", response_class=Response)
def sessions(request: Request, token: Asker, wanted: Wanted, paged: Paged) -> Response:
    """List sessions, the newest first."""
    return answer(request, token, "sessions", lambda ask: ask.sessions(wanted, paged))


@router.get("/sessions/{session_id}", response_class=Response)
def session(request: Request, token: Asker, session_id: str) -> Response:
    """Get a session by its id, the beginning of it, or `last`."""
    return answer(request, token, f"session {session_id}", lambda ask: ask.session(session_id))


@router.get("/sessions/{session_id}/conversation", response_class=Response)
def conversation(
    request: Request, token: Asker, session_id: str, paged: Paged, characters: Text = TEXT_CHARACTERS
) -> Response:
    """Get a session and a page of its conversation, subagents below the calls that started them."""
    about = f"conversation {session_id}"
    return answer(request, token, about, lambda ask: ask.conversation(session_id, paged, characters))


@router.get("/sessions/{session_id}/export", response_class=Response)
def export(
    request: Request,
    token: Asker,
    session_id: str,
    form: Annotated[SessionForm, Query(alias="format", description="md, html or json")] = SessionForm.MD,
) -> Response:
    """Get a session as a document: objectives, work done, files, decisions, errors, and the conversation."""
    made = text_answer(
        request, token, f"export {session_id}", lambda ask: document(ask, session_id, form), _TYPES[form]
    )
    made.headers["Content-Disposition"] = f'attachment; filename="session.{form}"'
    return made


@router.get("/sessions/{session_id}/files", response_class=Response)
def session_files(request: Request, token: Asker, session_id: str, paged: Paged) -> Response:
    """List the files that a session's tool calls name, last touched first."""
    about = f"files {session_id}"
    return answer(request, token, about, lambda ask: ask.files_touched(Filters(), session_id, None, paged))


@router.get("/search", response_class=Response)
def search(
    request: Request,
    token: Asker,
    wanted: Wanted,
    q: Annotated[str, Query(min_length=1, max_length=1_000, description='Words, "a phrase", -without, begin*')],
    mode: Annotated[
        SearchMode, Query(description="text, or semantic: words and meaning, of English prose")
    ] = SearchMode.TEXT,
    kind: Annotated[list[str] | None, Query(description="Only in: prompt, answer, result, …; repeatable")] = None,
    literal: Annotated[bool, Query(description="The exact text, case-sensitive, also within words")] = False,
    each: Annotated[bool, Query(description="All hits of a session, not only its best")] = False,
    limit: Annotated[int, Query(ge=1, le=200, description="At most so many")] = 20,
) -> Response:
    """Search the text of the whole archive. Each hit has the address of its bytes."""
    query = SearchQuery(q, wanted, kind or (), literal, each, limit)
    return answer(request, token, f"search {mode}", lambda ask: ask.search(query, mode))


@router.get("/projects", response_class=Response)
def projects(request: Request, token: Asker, paged: Paged) -> Response:
    """List projects, the last used first."""
    order = "ended_at DESC NULLS LAST, project, home_id"
    return answer(request, token, "projects", lambda ask: ask.listed("projects", paged, {}, order))


@router.get("/usage", response_class=Response)
def usage(
    request: Request,
    token: Asker,
    wanted: Wanted,
    paged: Paged,
    by: Annotated[
        str, Query(description="day, week, month, hour, session, project, repository, model, home, block")
    ] = "month",
) -> Response:
    """Get tokens and their cost at list prices by group, and their total."""
    return answer(request, token, "usage", lambda ask: ask.usage(wanted, by, paged))


@router.get("/prompts", response_class=Response)
def prompts(
    request: Request,
    token: Asker,
    paged: Paged,
    session: Annotated[str | None, Query(description="Only of this session, by its whole id")] = None,
    project: Annotated[str | None, Query(description="Only of this project, by its whole name")] = None,
) -> Response:
    """List the prompts that people typed, the newest first; also of sessions whose transcript is gone."""
    given = {"session_id": session, "project": project}
    order = "prompted_at DESC NULLS LAST, file_id, byte_offset"
    return answer(request, token, "prompts", lambda ask: ask.listed("user_prompts", paged, given, order))


@router.get("/tool-calls", response_class=Response)
def tool_calls(
    request: Request,
    token: Asker,
    paged: Paged,
    session: Annotated[str | None, Query(description="Only of this session, by its whole id")] = None,
    tool: Annotated[str | None, Query(description="Only of this tool, by its name")] = None,
) -> Response:
    """List calls of tools, the newest first, with their inputs and whether they failed."""
    given = {"session_id": session, "tool_name": tool}
    order = "called_at DESC NULLS LAST, file_id, byte_offset, block_number"
    return answer(request, token, "tool_calls", lambda ask: ask.listed("tool_calls", paged, given, order))


@router.get("/metrics", response_class=Response)
def metrics(request: Request, token: Asker) -> Response:
    """Get the counters of the server, for Prometheus."""
    return Response(state_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/events", response_class=StreamingResponse)
def stream(request: Request, token: Asker) -> StreamingResponse:
    """Get a stream of server-sent events: the newest run now, and each run that finds something new from then on, with
    the sessions that have something new.
    """
    state = state_of(request)
    masker = state.questions(token).masker

    def shown(news: JsonObject) -> JsonObject:
        state.note(token, "events")
        visible, ids = state.questions(token).visible(), news["session_ids"]
        if visible is not None and isinstance(ids, list):
            seen: list[JsonValue] = [one for one in ids if one in visible]
            news = {"run_id": news["run_id"], "finished_at": news["finished_at"], "session_ids": seen}
        return object_of(news, list(news), masker)

    async def lines() -> AsyncIterator[str]:
        async for line in events(state.warehouse, request.is_disconnected, shown):
            yield line

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


@router.get("/health", response_class=Response)
def health(request: Request) -> Response:
    """Say whether there is a warehouse to answer from: 200, or 503. Needs no token."""
    is_well = bool(state_of(request).warehouse.version)
    body = as_json({"status": "ok" if is_well else "no warehouse"})
    return Response(body, 200 if is_well else 503, media_type="application/json")
