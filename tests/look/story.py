"""A home made up for tests that look: sessions whose figures are known, and text that is hostile to a terminal."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.json import JsonValue

TIDY = "11111111-aaaa-4aaa-8aaa-000000000001"
"""A session with an edit, a failed command, a subagent and a turn that was rewound."""
HOSTILE = "22222222-bbbb-4bbb-8bbb-000000000002"
"""A session whose every text tries to be obeyed."""
LOST = "33333333-cccc-4ccc-8ccc-000000000003"
"""A session of which only prompts in history.jsonl are left."""
EVIL = (
    "\x1b]0;owned\x07\x1b[31mred\x9b31m [/nope] [link=http://x]l[/link] :smile: \u202eevil\u200b\r"
    "&#27;[31m&#x9b;31m <b>x"
)
BEGUN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGENT = "a1b2c3d4"

Record = dict[str, JsonValue]


def write_story(home: Path) -> Path:
    """Write the home and return it."""
    _transcript(home, "-work-shop", TIDY, _tidy())
    _transcript(home, "-work-shop", f"{TIDY}/subagents/agent-{AGENT}", _agent())
    _transcript(home, "-evil", HOSTILE, _hostile())
    lines = [_history(LOST, "how do herons sleep", -400), _history(TIDY, "fix the total in cart.py", 0)]
    (home / "history.jsonl").write_text("".join(lines), encoding="utf-8")
    return home


def _transcript(home: Path, project: str, name: str, records: list[Record]) -> None:
    path = home / "projects" / project / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _history(session: str, words: str, minutes: int) -> str:
    at = int((BEGUN + timedelta(minutes=minutes)).timestamp() * 1000)
    line = {"display": words, "pastedContents": {}, "timestamp": at, "project": "/work/shop", "sessionId": session}
    return json.dumps(line) + "\n"


class _Chain:
    """Records that follow one another, a minute apart."""

    def __init__(self, session: str, directory: str, agent: str | None = None) -> None:
        self.records: list[Record] = []
        self._session, self._directory, self._agent = session, directory, agent
        self.last: str | None = None

    def add(self, kind: str, message: Record, *, after: str | None = None, **more: JsonValue) -> str:
        """Add a record and return its uuid."""
        number = len(self.records)
        uuid = f"{(self._agent or self._session)[:8]}-0000-4000-8000-{number:012x}"
        self.records.append(
            {
                "type": kind,
                "uuid": uuid,
                "parentUuid": after if after is not None else self.last,
                "sessionId": self._session,
                "timestamp": (BEGUN + timedelta(minutes=number + (30 if self._agent else 0)))
                .isoformat()
                .replace("+00:00", "Z"),
                "cwd": self._directory,
                "gitBranch": "main",
                "version": "2.1.200",
                "isSidechain": self._agent is not None,
                **({"agentId": self._agent} if self._agent else {}),
                "message": message,
                **more,
            }
        )
        self.last = uuid
        return uuid

    def ask(self, words: str, **more: JsonValue) -> str:
        """Add a prompt."""
        return self.add("user", {"role": "user", "content": words}, **more)  # type: ignore[arg-type]

    def answer(self, *blocks: Record, output: int = 100) -> str:
        """Add an answer with a usage of 1,000 tokens sent and 2,000 read from the cache."""
        number = len(self.records)
        usage: Record = {"input_tokens": 1000, "output_tokens": output, "cache_read_input_tokens": 2000}
        return self.add(
            "assistant",
            {
                "id": f"msg_{self._session[:4]}{self._agent or ''}{number}",
                "role": "assistant",
                "type": "message",
                "model": "claude-sonnet-4-5-20250929",
                "content": list(blocks),
                "stop_reason": "end_turn",
                "usage": usage,
            },
            requestId=f"req_{self._session[:4]}{self._agent or ''}{number}",
        )

    def result(self, call: str, text: str, *, is_error: bool = False) -> str:
        """Add the result of a call."""
        block: Record = {"type": "tool_result", "tool_use_id": call, "content": text, "is_error": is_error}
        return self.add("user", {"role": "user", "content": [block]})


def _text(words: str) -> Record:
    return {"type": "text", "text": words}


def _call(name: str, number: str, **given: JsonValue) -> Record:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": dict(given)}


def _tidy() -> list[Record]:
    chain = _Chain(TIDY, "/work/shop")
    asked = chain.ask("fix the total in cart.py")
    chain.answer({"type": "thinking", "thinking": "The sum leaves out the tax.", "signature": "x"}, output=10)
    chain.answer(_text("I look at **cart.py** first."), _call("Read", "1", file_path="/work/shop/cart.py"))
    chain.result("toolu_1", "def total():\n    return 1\n")
    chain.answer(
        _call("Edit", "2", file_path="/work/shop/cart.py", old_string="    return 1", new_string="    return 1 + tax")
    )
    chain.result("toolu_2", "done")
    chain.answer(_call("Bash", "3", command="pytest -q", description="Run the tests"))
    chain.result("toolu_3", "2 failed", is_error=True)
    chain.answer(_call("Task", "4", description="Find the tax", subagent_type="explorer", prompt="Where is tax?"))
    chain.result("toolu_4", "in rates.py")
    done = chain.answer(_text("The total has the tax now."))
    chain.ask("and undo it all", after=done)
    chain.answer(_text("Undone."))
    chain.ask("now write the release notes for v2", after=done)
    chain.answer(_text("Written."))
    assert asked
    return chain.records


def _agent() -> list[Record]:
    chain = _Chain(TIDY, "/work/shop", AGENT)
    chain.ask("Where is tax?")
    chain.answer(_call("Grep", "5", pattern="tax"))
    chain.result("toolu_5", "rates.py:3")
    chain.answer(_text("in rates.py"))
    return chain.records


def _hostile() -> list[Record]:
    chain = _Chain(HOSTILE, f"=1+1/evil/{EVIL[:12]}")
    chain.ask(EVIL)
    chain.answer(
        {"type": "thinking", "thinking": EVIL, "signature": "x"},
        _text(
            f"{EVIL}\n\n`{EVIL}`\n\n[click]({EVIL}) <http://x/{EVIL}>\n\n| a |\n|---|\n| {EVIL} |\n\n"
            f"```{EVIL}\n{EVIL}\n```"
        ),
        _call(EVIL, "9", command=EVIL, file_path=EVIL, old_string=EVIL, new_string=EVIL + "\n" + EVIL),
    )
    chain.result("toolu_9", EVIL, is_error=True)
    return chain.records
