"""Documents as JSON, for programs: one object with a list of sessions; instants are ISO 8601 with a time zone."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from models.text import safe_json
from pipelines.export.contents import Contents
from pipelines.export.markdown import front_of
from pipelines.look.calls import input_of
from pipelines.look.conversation import Turn

FORMAT: Final = "claude-code-sessions/1"
"""The name of the format and its version, which changes when a field changes its meaning or is gone."""


def document_of(contents: Sequence[Contents]) -> str:
    """Return one JSON document of sessions: the content of the other forms, with inputs and results of tools uncut."""
    made = {"format": FORMAT, "sessions": [_session(one) for one in contents]}
    return safe_json(json.dumps(made, ensure_ascii=False, indent=1, default=_other)) + "\n"


def _session(one: Contents) -> dict[str, object]:
    return {
        **front_of(one),
        "title": one.title,
        "objectives": list(one.objectives),
        "done": [asdict(deed) for deed in one.done],
        "files": [asdict(file) for file in one.files],
        "decisions": [asdict(decision) for decision in one.decisions],
        "errors": [asdict(problem) for problem in one.problems],
        "more_errors": one.more_problems,
        "tokens": one.tokens,
        "context_bands": [asdict(band) for band in one.bands],
        "next_steps": [asdict(step) for step in one.steps],
        "conversation": [_turn(turn) for turn in one.turns],
    }


def _turn(turn: Turn) -> dict[str, object]:
    one = turn.utterance
    made: dict[str, object] = {"kind": one.kind, "speaker": one.speaker, "at": one.said_at, "depth": turn.depth}
    if one.kind == "call":
        made |= {"tool": one.tool_name, "input": input_of(one) or one.tool_input, "result": one.result}
        made |= {"is_error": one.is_error}
    else:
        made["text"] = one.text
    if one.is_abandoned:
        made["is_rewound"] = True
    return made


def _other(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
