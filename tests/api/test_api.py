"""`extract serve`: which clients get answers, the headers of answers, and that none exceeds its token's level."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import anyio
import httpx
import jwt
import pytest
from fastapi.testclient import TestClient

from models.errors import LockedError
from models.json import JsonObject
from models.text import safe
from pipelines.api.accesses import AccessLog
from pipelines.api.app import application
from pipelines.api.dependencies import ApiState
from pipelines.api.limits import AnswerCache, RateLimit
from pipelines.api.metrics import ApiMetrics
from pipelines.api.news import events
from pipelines.api.sync import SyncActions
from pipelines.api.tokens import AUDIENCE, ApiToken, TokenCheck, create_token, revoke_token
from pipelines.archive.audit import read_audit
from pipelines.context.keys import server_key
from pipelines.disk.layout import Layout
from pipelines.warehouse.current import CurrentWarehouse
from tests.answers import free_port, rows_in
from tests.command_line import ROOT, call
from tests.look.story import HOSTILE, LOST, TIDY, write_story

BASE = "http://127.0.0.1"


class Api:
    """An application over an archive, with a client and a token of each level."""

    def __init__(self, data: Path, *, rate: RateLimit | None = None, actions: SyncActions | None = None) -> None:
        self.layout = Layout(data)
        self.noted: list[tuple[str, str]] = []
        self.state = ApiState(
            CurrentWarehouse(self.layout),
            TokenCheck(self.layout),
            rate or RateLimit(1000, 1000),
            AnswerCache(),
            ApiMetrics(),
            lambda wanted, mask: [],
            self.note,
        )
        self.client = TestClient(application(self.state, actions), base_url=BASE, raise_server_exceptions=False)

    def note(self, token: ApiToken, about: str) -> None:
        """Note an access."""
        self.noted.append((token.name, about))

    def token(self, name: str, level: str = "private") -> str:
        """Make a token."""
        return create_token(self.layout, name, "laptop", level, 1)[1]

    def get(self, path: str, token: str, **headers: str) -> httpx.Response:
        """Ask for a path below /api/v1."""
        made = self.client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}", **headers})
        assert isinstance(made.status_code, int)
        return made  # type: ignore[return-value]  # the client of Starlette may be of httpx2


@pytest.fixture(scope="module")
def data(story_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the story's archive, to which tokens are added."""
    made = tmp_path_factory.mktemp("api") / "data"
    copytree(story_data, made, symlinks=True)
    return made


@pytest.fixture(scope="module")
def api(data: Path) -> Api:
    """An application over it."""
    return Api(data)


@pytest.fixture(scope="module")
def token(api: Api) -> str:
    """A token of level none."""
    return api.token("reader", "none")


PATHS = (
    "sessions",
    f"sessions/{TIDY}",
    f"sessions/{TIDY}/conversation",
    f"sessions/{TIDY}/export",
    f"sessions/{TIDY}/export?format=html",
    f"sessions/{TIDY}/export?format=json",
    f"sessions/{TIDY}/files",
    "search?q=release",
    "search?q=release&mode=semantic",
    "projects",
    "usage?by=model",
    "prompts",
    "tool-calls?tool=Edit",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_answers_with_an_etag_that_saves_the_next_answer(api: Api, token: str, path: str) -> None:
    first = api.get(path, token)
    assert first.status_code == 200, first.text
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    again = api.get(path, token, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.get(path, token).content == first.content


def test_answers_say_what_the_commands_say(api: Api, token: str, data: Path) -> None:
    listed = rows_in(api.get("sessions", token).json(), "sessions")
    commanded = json.loads(call("sessions", "--json", "--data", data).out)
    assert [row["session_id"] for row in listed] == [row["session_id"] for row in commanded]
    (hit,) = rows_in(api.get("search?q=release+notes", token).json(), "hits")
    assert "release notes" in call("show", str(hit["address"]), "--data", data).out
    turns = rows_in(api.get(f"sessions/{TIDY[:8]}/conversation?limit=200", token).json(), "conversation")
    assert turns[0]["text"] == "fix the total in cart.py"
    exported = api.get(f"sessions/{TIDY}/export?format=md", token).text
    assert exported == call("export", TIDY, "--redact", "none", "--data", data).out


def test_pages_follow_one_another(api: Api, token: str) -> None:
    found = list[JsonObject]()
    path: str | None = "prompts?limit=1"
    while path is not None:
        answer = api.get(path, token).json()
        found += rows_in(answer, "user_prompts")
        following = answer["next_offset"]
        path = None if following is None else f"prompts?limit=1&offset={following}"
    assert found == rows_in(api.get("prompts", token).json(), "user_prompts")
    assert len(found) > 2


@pytest.mark.parametrize("path", [*PATHS, "metrics", "events", "sync/status"])
def test_without_a_token_nothing_is_answered(api: Api, path: str) -> None:
    refused = api.client.get(f"/api/v1/{path}")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert set(refused.json()) == {"error"}


def test_a_forged_an_unsigned_an_expired_and_a_revoked_token_are_refused(api: Api, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, b"x" * 32, algorithm="HS256"),
        jwt.encode(claims, server_key(api.layout), algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        token[:-2],
        "nothing",
    ]
    assert [api.get("sessions", each).status_code for each in forged] == [401] * len(forged)
    _, text = create_token(api.layout, "old", "laptop", "private", -1)
    assert "expired" in api.get("sessions", text).json()["error"]
    gone = api.token("gone")
    assert api.get("sessions", gone).status_code == 200
    revoke_token(api.layout, "gone")
    assert "revoked" in api.get("sessions", gone).json()["error"]
    assert (claims["machine"], claims["level"], claims["aud"]) == ("laptop", "none", AUDIENCE)


def test_a_wrong_request_gets_json_and_no_traceback(api: Api, token: str) -> None:
    wrong = {
        "sessions/nobody": 404,
        "sessions?state=gone": 400,
        "sessions?since=whenever": 400,
        "sessions?limit=0": 400,
        "usage?by=colour": 400,
        "search": 400,
        "search?q=x&mode=magic": 400,
        f"sessions/{TIDY}/export?format=exe": 400,
        "nothing": 404,
    }
    for path, status in wrong.items():
        answer = api.get(path, token)
        assert (path, answer.status_code) == (path, status)
        assert list(answer.json()) == ["error"]
        assert "Traceback" not in answer.text


def test_hostile_text_is_escaped_and_can_run_in_no_browser(api: Api, token: str) -> None:
    for path in (f"sessions/{HOSTILE}/conversation", "search?q=owned&each=true", "sessions", "prompts"):
        text = api.get(path, token).text
        assert safe(text, keep_newlines=True) == text
        assert "owned" in text
    page = api.get(f"sessions/{HOSTILE}/export?format=html", token)
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert api.client.get("/api/v1/sessions", headers={"Host": "evil.example"}).status_code == 400


def test_who_asks_too_often_waits(data: Path) -> None:
    slow = Api(data, rate=RateLimit(0.5, 2))
    token = slow.token("hasty")
    assert [slow.get("sessions", token).status_code for _ in range(3)] == [200, 200, 429]
    assert int(slow.get("sessions", token).headers["Retry-After"]) >= 1


def test_a_bucket_is_filled_with_time() -> None:
    limit = RateLimit(2, 1)
    assert [limit.wait("a", 0), limit.wait("b", 0), limit.wait("a", 0.5)] == [0, 0, 0]
    assert limit.wait("a", 0.75) == 0.25


def test_every_answer_that_goes_out_is_noted_and_none_goes_out_unnoted(data: Path) -> None:
    strict = Api(data)
    token = strict.token("noted")
    first = strict.get(f"sessions/{TIDY}", token)
    strict.get(f"sessions/{TIDY}", token)
    strict.get(f"sessions/{TIDY}", token, **{"If-None-Match": first.headers["ETag"]})
    assert strict.noted == [("noted", f"session {TIDY}")] * 2

    def full(holder: ApiToken, about: str) -> None:
        raise LockedError("the audit log cannot be written")

    object.__setattr__(strict.state, "note", full)
    refused = strict.get(f"sessions/{TIDY}", token)
    assert (refused.status_code, refused.json()) == (503, {"error": "the audit log cannot be written"})


def test_sync_answers_501_without_lakes_and_acts_only_for_the_owner(api: Api, token: str, data: Path) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert api.client.post("/api/v1/sync/push", headers=headers).status_code == 501
    acts = SyncActions(lambda: {"lakes": []}, lambda: {"pushed": 1}, lambda: {"pulled": 2})
    lake = Api(data, actions=acts)
    assert lake.get("sync/status", token).json() == {"lakes": []}
    assert lake.client.post("/api/v1/sync/pull", headers=headers).json() == {"pulled": 2}
    guest = {"Authorization": f"Bearer {lake.token('guest', 'team')}"}
    assert lake.client.post("/api/v1/sync/push", headers=guest).status_code == 403


def test_a_token_for_a_team_sees_the_sessions_that_rules_give_to_it_and_no_others(data: Path, tmp_path: Path) -> None:
    copytree(data, tmp_path / "data", symlinks=True)
    shared = Api(tmp_path / "data")
    token = shared.token("colleague", "team")
    assert shared.get("sessions", token).json()["sessions"] == []
    ran = call("privacy", "set", "team", "--session", TIDY, "--data", shared.layout.root)
    assert ran.code == 0, ran.err
    assert [row["session_id"] for row in rows_in(shared.get("sessions", token).json(), "sessions")] == [TIDY]
    assert shared.get("sessions/last", token).json()["session_id"] == TIDY
    assert shared.get(f"sessions/{LOST}/conversation", token).status_code == 404
    assert shared.get(f"sessions/{HOSTILE}/export", token).status_code == 404
    assert shared.get(f"sessions/{HOSTILE}/files", token).status_code == 404
    assert rows_in(shared.get("search?q=herons", token).json(), "hits") == []
    assert {row["session_id"] for row in rows_in(shared.get("search?q=the&each=true", token).json(), "hits")} == {TIDY}
    for path, name in (("prompts", "user_prompts"), ("tool-calls", "tool_calls")):
        assert {row["session_id"] for row in rows_in(shared.get(path, token).json(), name)} == {TIDY}
    for path in ("usage", "projects"):
        assert (path, shared.get(path, token).status_code) == (path, 400)
    assert call("privacy", "set", "private", "--session", TIDY, "--data", shared.layout.root).code == 0
    assert shared.get(f"sessions/{TIDY}", token).status_code == 404


def test_the_page_works_offline_and_names_every_path(api: Api) -> None:
    page = api.client.get("/api/v1/docs").text
    document = api.client.get("/api/v1/openapi.json").json()
    assert all(path in page for path in document["paths"])
    assert len(document["paths"]) > 12
    assert "://" not in page
    assert "<script" not in page


def test_health_and_metrics_tell_how_the_server_is(api: Api, token: str, tmp_path: Path) -> None:
    assert api.client.get("/api/v1/health").json() == {"status": "ok"}
    api.get(f"sessions/{TIDY}", token)
    text = api.get("metrics", token).text
    assert 'extract_api_requests_total{route="/api/v1/sessions/{session_id}",status="200"}' in text
    assert TIDY not in text


def test_the_stream_tells_the_newest_run_and_each_that_finds_something_new(tmp_path: Path) -> None:
    home = write_story(tmp_path / "home")
    data = tmp_path / "data"
    assert call("run", "--home", f"mine={home}", "--data", data).code == 0
    received = list[JsonObject]()

    async def listen() -> None:
        async def is_gone() -> bool:
            return len(received) == 2

        stream = events(CurrentWarehouse(Layout(data)), is_gone, lambda news: news, pause=0.01)
        async for event in stream:
            received.append(json.loads(event.partition("data: ")[2]))
            if len(received) == 1:
                line = {"display": "new words", "pastedContents": {}, "timestamp": 1772445600000, "project": "/p"}
                with (home / "history.jsonl").open("a") as history:
                    history.write(json.dumps({**line, "sessionId": LOST}) + "\n")
                ran = await anyio.to_thread.run_sync(lambda: subprocess.run(_run(home, data), cwd=ROOT, check=False))
                assert ran.returncode == 0

    anyio.run(listen)
    assert set(received[0]["session_ids"]) == {TIDY, HOSTILE, LOST}  # type: ignore[arg-type]
    assert received[1]["session_ids"] == [LOST]
    assert received[1]["run_id"] != received[0]["run_id"]


def _run(home: Path, data: Path) -> list[str]:
    return [sys.executable, "-m", "pipelines", "run", "--home", f"mine={home}", "--data", str(data)]


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[str]:
    """The address of a server in its own process."""
    port = free_port()
    command = [sys.executable, "-m", "pipelines", "serve", "--port", str(port), "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        server.stderr.readline()
        while True:
            assert server.poll() is None
            try:
                httpx.get(f"{BASE}:{port}/api/v1/health")
                break
            except httpx.ConnectError:
                continue
        yield f"{BASE}:{port}/api/v1"
        server.terminate()


def test_the_command_serves_whoever_has_a_token_of_the_command(served: str, data: Path) -> None:
    made = call("token", "create", "tool", "--level", "team", "--machine", "desk", "--data", data)
    assert made.code == 0, made.err
    headers = {"Authorization": f"Bearer {made.out.strip()}"}
    assert httpx.get(f"{served}/sessions", headers=headers).status_code == 200
    with httpx.stream("GET", f"{served}/events", headers=headers) as stream:
        assert next(stream.iter_lines()).startswith("id: ")
    listed = json.loads(call("token", "list", "--json", "--data", data).out)
    assert {"name": "tool", "machine": "desk", "level": "team", "is_valid": True}.items() <= listed[-1].items()
    assert made.out.strip() not in data.joinpath("tokens.json").read_text()
    assert call("token", "revoke", "tool", "--data", data).code == 0
    assert httpx.get(f"{served}/sessions", headers=headers).status_code == 401


def test_the_audit_log_has_who_asked_and_what_about_and_no_content(data: Path) -> None:
    layout = Layout(data)
    log = AccessLog(layout, BASE)
    holder, _ = create_token(layout, "audited", "desk", "public", 1)
    for about in ("session abc", "session abc", "search text"):
        log.note(holder, about)
    log.close()
    entry = read_audit(layout)[0][-1]
    assert entry.who == f"audited on desk, token {holder.token_id}"
    assert (entry.what, entry.where, entry.level) == ("api", BASE, "public")
    assert entry.counts == {"session abc": 2, "search text": 1}


def test_only_the_loopback_interface_is_served_without_encryption(data: Path, tmp_path: Path) -> None:
    ran = call("serve", "--host", "0.0.0.0", "--data", data)
    assert (ran.code, "--tls-cert" in ran.err) == (2, True)
    ran = call("serve", "--data", tmp_path)
    assert (ran.code, "extract run" in ran.err) == (2, True)
    ran = call("token", "create", "x", "--level", "secret", "--data", data)
    assert (ran.code, "there are none, private, team, public" in ran.err) == (2, True)


def test_verify_knows_the_files_of_the_servers(data: Path) -> None:
    found = call("verify", "--data", data).out
    assert "server.key" not in found
    assert "tokens.json" not in found
