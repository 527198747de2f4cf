"""What makes two messages the same: their exact text. Its SHA-256 over UTF-8 is the `message_id`, as in other stores of
this rule.
"""

from enum import StrEnum
from hashlib import sha256


class MessageKind(StrEnum):
    """What a text was at the place where it was seen."""

    PROMPT = "prompt"
    PASTE = "paste"
    QUEUED_PROMPT = "queued_prompt"
    TEXT = "text"
    THINKING = "thinking"
    TOOL_RESULT = "tool_result"
    SYSTEM = "system"
    SUMMARY = "summary"
    PLAN = "plan"
    MEMORY = "memory"
    INBOX = "inbox"
    TODO = "todo"
    TASK = "task"


def message_id(text: str) -> str:
    """Return the SHA-256 of the UTF-8 of `text`, as 64 lower-case hex digits.

    The text must be encodable: readers replace lone surrogates before they say anything.
    """
    return message_digest(text.encode()).hex()


def message_digest(encoded: bytes) -> bytes:
    """Return the SHA-256 of a text that is UTF-8 already."""
    return sha256(encoded).digest()
