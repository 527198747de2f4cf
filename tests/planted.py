"""A home made up for tests of exports: a session with everything that a document has, one that is hostile, and one for
each kind of secret, with its value in prompt, answer, tool input, result, error and to-do.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from models.json import JsonValue
from pipelines.redact.rules import RULES, SecretRule
from tests.look.story import write_story
from tests.redact.samples import SAMPLES

WORK: Final = "55555555-eeee-4eee-8eee-000000000005"
"""A session with to-dos, a question, a plan, a commit and a new file."""
NUMBERS: Final = {
    "card-number": ("4111 1111 ", "1111 1111"),
    "account-number": ("DE89 3704 ", "0044 0532 0130 00"),
    "ip-address": ("203.0.114", ".77"),
}
"""Samples of the rules that check what they find."""
TOKEN_IN_A_NAME: Final = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zB1cD4e"
"""A part of the path of a file that cannot be parsed, which the report names."""
EVERY: Final = "77777777-aaaa-4aaa-8aaa-000000000007"
"""A session with the samples of all kinds; the others have one each."""
_BEGUN: Final = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)

Record = dict[str, JsonValue]


def sample_of(rule: SecretRule) -> str:
    """Return a text with a value of a kind."""
    return "".join((SAMPLES | NUMBERS)[rule.name])


def value_of(rule: SecretRule) -> str:
    """Return the value in the sample of a kind."""
    found = re.search(rule.pattern.replace(r"\z", r"\Z"), sample_of(rule), re.ASCII)
    assert found is not None, rule.name
    return found["value"]


def session_of(rule: SecretRule) -> str:
    """Return the id of the session that has the sample of a kind."""
    return f"66666666-ffff-4fff-8fff-{[one.name for one in RULES].index(rule.name):012d}"


def write_planted(home: Path) -> Path:
    """Write the home and return it."""
    write_story(home)
    _write(home, WORK, _work())
    broken = home / "projects" / f"-work-{TOKEN_IN_A_NAME}" / f"{WORK[:-1]}9.jsonl"
    broken.parent.mkdir()
    broken.write_text("what is this\n", encoding="utf-8")
    for rule in RULES:
        _write(home, session_of(rule), _leaking(session_of(rule), [sample_of(rule)]))
    _write(home, EVERY, _leaking(EVERY, [sample_of(rule) for rule in RULES]))
    return home


def _write(home: Path, session_id: str, records: list[Record]) -> None:
    path = home / "projects" / "-work-mill" / f"{session_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _records(session_id: str, *messages: tuple[str, JsonValue]) -> list[Record]:
    """Return records of user ("user") and model ("assistant") with their contents, a minute apart."""
    made: list[Record] = []
    for number, (kind, content) in enumerate(messages):
        message: Record = {"role": kind, "content": content}
        if kind == "assistant":
            message |= {
                "id": f"msg_{session_id[-6:]}{number}",
                "type": "message",
                "model": "claude-sonnet-4-5-20250929",
                "stop_reason": "tool_use",
                "usage": {"input_tokens": 90_000, "output_tokens": 50, "cache_read_input_tokens": 30_000 * number},
            }
        made.append(
            {
                "type": kind,
                "uuid": f"{session_id[:24]}{session_id[-4:]}{number:08x}",
                "parentUuid": made[-1]["uuid"] if made else None,
                "sessionId": session_id,
                "timestamp": f"{_BEGUN + timedelta(minutes=number):%Y-%m-%dT%H:%M:%S.000Z}",
                "cwd": "/work/mill",
                "gitBranch": "main",
                "version": "2.1.200",
                "isSidechain": False,
                "message": message,
            }
        )
    return made


def _call(number: int, name: str, **given: JsonValue) -> list[JsonValue]:
    return [{"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": dict(given)}]


def _result(number: int, text: str, *, is_error: bool = False) -> list[JsonValue]:
    return [{"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": text, "is_error": is_error}]


def _todo(text: str, status: str) -> Record:
    return {"content": text, "status": status, "activeForm": text}


def _work() -> list[Record]:
    todos: list[JsonValue] = [_todo("grind the oats", "completed"), _todo("sieve the flour", "in_progress")]
    commit = "git add -A && git commit -m 'Grind more finely'"
    return _records(
        WORK,
        ("user", "make the mill grind more finely"),
        ("assistant", _call(1, "AskUserQuestion", questions=[])),
        ("user", _result(1, 'User has answered your questions: "Which stone?"="The upper one". Go on.')),
        ("assistant", _call(2, "ExitPlanMode", plan="# Turn the upper stone\n\nSlowly.")),
        ("user", _result(2, "User has approved your plan.")),
        ("assistant", _call(3, "Bash", command=commit, description="Commit")),
        ("user", _result(3, "[main 1a2b3c4] Grind more finely")),
        ("assistant", _call(4, "TodoWrite", todos=todos)),
        ("user", _result(4, "ok")),
        ("user", "yes"),
        ("assistant", [{"type": "text", "text": "The mill grinds more finely.\n\n| a |\n|---|\n| b |"}]),
    )


def _leaking(session_id: str, texts: list[str]) -> list[Record]:
    return _records(session_id, *(message for text in texts for message in _messages(text)))


def _messages(text: str) -> list[tuple[str, JsonValue]]:
    inner = json.dumps({"v": f" {text} "})
    command = f"curl 'https://example.org/?a=1& {text} &b=2'"
    return [
        ("user", f"it is {text} and that is all"),
        ("assistant", [{"type": "text", "text": f"```diff\n@@ -1 +1 @@\n-{text}\n+ {text}\n```\nor `{text}` so"}]),
        ("assistant", _call(7, "Bash", command=command, nested=[f"\n{text}\n"], inner=inner)),
        ("user", _result(7, f"failed with {text} there", is_error=True)),
        ("assistant", _call(8, "TodoWrite", todos=[_todo(f"rotate {text} soon", "pending")])),
        ("user", _result(8, f"\x1b[31m {text} \x1b[0m")),
    ]
