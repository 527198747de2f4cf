"""The contents of a document about a session, the same in every form: objectives, work done, files, decisions, errors,
the budget of tokens, next steps, and the conversation. Every text is untrusted: a form escapes it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pipelines.export.read import Named, SessionRows
from pipelines.look.calls import input_of
from pipelines.look.conversation import Turn, Utterance

_OBJECTIVES: Final = 5
_SHORT: Final = 12
"""Characters up to which a prompt says no objective."""
_ERRORS: Final = 50
_OVER: Final = ("completed", "deleted", "cancelled")
_COMMIT: Final = re.compile(
    r"\bgit\b[^\n|;&]{0,80}\bcommit\b[^\n]{0,80}?-m\s*(?:\"\$\(cat <<'?EOF'?\n)?[\"']?([^\"'\n]{3,200})"
)
_ANSWERED: Final = re.compile(r"\"([^\"\n]{1,500})\"\s*=\s*\"([^\"\n]{1,500})\"")
"""The form in which a result of AskUserQuestion has a question and its answer."""
_PLAN_TITLE: Final = re.compile(r"^\s*#*\s*(.+)$", re.MULTILINE)
DoneKind = Literal["task", "subagent", "commit", "tools", "outcome"]


@dataclass(frozen=True, slots=True)
class Deed:
    """A piece of work, and its source: a task, a subagent, a commit, the calls of tools, the last answer."""

    kind: DoneKind
    text: str


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that tools created or modified, with the number of edits; lines are None where the results do not have
    them.
    """

    path: str
    is_new: bool
    edits: int
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of a person about a question, a plan, or the call of a tool; `at` is UTC."""

    at: datetime | None
    about: str
    decision: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, as the view `errors` has it, when it was first met and how often."""

    at: datetime | None
    kind: str
    tool: str
    text: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Band:
    """Responses whose context stayed below `upto` percent of its limit (None: above the limit), and the fullest."""

    upto: int | None
    responses: int
    most_share: float
    most_tokens: int
    limit_tokens: int


@dataclass(frozen=True, slots=True)
class Step:
    """A to-do or a task that is open at the end."""

    text: str
    is_begun: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """The document of one session. `row` is its row of the view `sessions`; `links` are rows of `session_links`."""

    row: Named
    title: str
    objectives: Sequence[str]
    done: Sequence[Deed]
    files: Sequence[ChangedFile]
    decisions: Sequence[Decision]
    problems: Sequence[Problem]
    more_problems: int
    bands: Sequence[Band]
    steps: Sequence[Step]
    links: Sequence[tuple[str, str]]
    turns: Sequence[Turn]

    @property
    def tokens(self) -> dict[str, int]:
        """The tokens by kind, where the archive has any."""
        names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
        found = {name: self.row[name] for name in names}
        return {name: int(str(value or 0)) for name, value in found.items()} if any(found.values()) else {}

    @property
    def cost(self) -> float | None:
        """The cost in US dollars at list prices."""
        return float(str(cost)) if (cost := self.row["cost_usd"]) is not None else None


def contents_of(facts: SessionRows) -> Contents:
    """Return the content of the document of a session."""
    turns, row, parts = facts.turns, facts.row, facts.parts
    own = [turn.utterance for turn in turns if turn.depth == 0]
    problems = _problems(parts["errors"])
    return Contents(
        row,
        _text(row["title"]) or _text(row["first_prompt"]) or facts.session_id,
        _objectives(own),
        [*_done(parts, turns, own)],
        [
            ChangedFile(
                _text(one["file_path"]),
                one["is_new"] is True,
                int(str(one["edits"])),
                one["added"] if isinstance(one["added"], int) else None,
                one["removed"] if isinstance(one["removed"], int) else None,
            )
            for one in parts["files"]
        ],
        [*_decisions(own, problems)],
        problems[:_ERRORS],
        max(len(problems) - _ERRORS, 0),
        [*map(_band, parts["contexts"])],
        [
            Step(_text(one["subject"]), one["status"] == "in_progress")
            for one in parts["tasks"]
            if one["status"] not in _OVER
        ],
        [(_text(one["link_kind"]), _text(one["linked_session_id"])) for one in parts["links"]],
        turns,
    )  # fmt: skip


def _objectives(own: Sequence[Utterance]) -> list[str]:
    """Return the first prompts, each once; short ones ("yes", "go on") only where there is nothing else."""
    asked = [one.text.strip() for one in own if one.kind == "prompt" and not one.text.startswith("/")]
    different = [*dict.fromkeys(filter(None, asked))]
    return ([text for text in different if len(text) > _SHORT] or different)[:_OBJECTIVES]


def _problems(rows: Sequence[Named]) -> list[Problem]:
    """Return the errors, each text once: first those of the session, then those that only a debug log has."""
    met: dict[tuple[str, str, str], list[datetime | None]] = {}
    for row in rows:
        key = (_text(row["error_kind"]), _text(row["tool_name"]), _text(row["text"]))
        met.setdefault(key, []).append(_instant(row["occurred_at"]))
    made = [Problem(times[0], *key, len(times)) for key, times in met.items()]
    return sorted(made, key=lambda one: one.kind == "debug_error")


def _done(parts: dict[str, list[Named]], turns: Sequence[Turn], own: Sequence[Utterance]) -> Iterator[Deed]:
    for task in parts["tasks"]:
        if task["status"] == "completed":
            yield Deed("task", _text(task["subject"]))
    for agent in parts["agents"]:
        if agent["description"]:
            yield Deed("subagent", _text(agent["description"]))
    calls = [turn.utterance for turn in turns if turn.utterance.kind == "call" and turn.utterance.tool_name]
    for call in calls:
        if not call.is_error and call.result is not None:
            command = input_of(call).get("command")
            if isinstance(command, str) and (found := _COMMIT.search(command)):
                yield Deed("commit", found[1])
    if calls:
        failed = Counter(call.tool_name for call in calls if call.is_error)
        times = Counter(call.tool_name for call in calls).most_common()
        yield Deed(
            "tools",
            ", ".join(f"{name} {number}{f' ({failed[name]} failed)' * bool(failed[name])}" for name, number in times),
        )
    answers = [one.text for one in own if one.kind == "answer" and one.text.strip() and not one.is_abandoned]
    if answers:
        yield Deed("outcome", answers[-1])


def _decisions(own: Sequence[Utterance], problems: Sequence[Problem]) -> Iterator[Decision]:
    """Yield questions that a person answered, plans that were accepted or sent back, and calls that were denied."""
    for call in own:
        if call.kind != "call" or call.result is None:
            continue
        if call.tool_name == "AskUserQuestion":
            pairs = _ANSWERED.findall(call.result)
            yield from (Decision(call.said_at, question, answer) for question, answer in pairs)
        elif call.tool_name == "ExitPlanMode":
            title = _PLAN_TITLE.search(_text(input_of(call).get("plan")))
            about = title[1] if title else "a plan"
            yield Decision(call.said_at, about, "plan sent back" if call.is_error else "plan accepted")
    for problem in problems:
        if problem.kind == "denied":
            yield Decision(problem.at, problem.tool or "a call", "denied")


def _band(row: Named) -> Band:
    return Band(
        row["band"] if isinstance(row["band"], int) else None,
        int(str(row["responses"])),
        float(str(row["most_share"] or 0)),
        int(str(row["most_tokens"] or 0)),
        int(str(row["limit_tokens"] or 0)),
    )


def outcome(call: Utterance) -> Literal["done", "failed", "no result"]:
    """Return how a call ended."""
    return "failed" if call.is_error else "no result" if call.result is None else "done"


def _instant(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
