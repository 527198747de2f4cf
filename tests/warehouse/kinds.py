"""Kinds of faults of which people report: a registry of them, filled by the modules `kinds_of_*`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conversations import Talk, session_id

Rows = list[tuple[object, ...]]
Build = Callable[[Path, int], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: `build` writes its example into the home, of sessions from a number on; then the expected
    answers.
    """

    build: Build
    answers: dict[str, Rows]


KINDS: list[Kind] = []


def shows(answers: dict[str, Rows]) -> Callable[[Build], Build]:
    """Register a kind with its expected answers; in a query `:s` is its first session, `:t` its second."""

    def register(build: Build) -> Build:
        KINDS.append(Kind(build, answers))
        return build

    return register


def talk_of(number: int, cwd: str = "/home/mira/loom") -> Talk:
    # Each session has its own hour, so that no two share an instant.
    return Talk(session_id(number), cwd, seconds=600 * number)


USED = "SELECT count(*), sum(input_tokens)::int, sum(output_tokens)::int FROM token_usage WHERE session_id = :s"
SAID = "SELECT prompt_text, prompt_source FROM user_prompts WHERE session_id = :s ORDER BY prompted_at"
