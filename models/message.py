"""The identity of messages: two messages are the same if their texts are equal. The `message_id` is the SHA-256 of the
text in UTF-8; other stores use the same rule, so their ids agree.
"""

from enum import StrEnum
from hashlib import sha256


class MessageKind(StrEnum):
    """The role of a text at the place where it occurs."""

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

    Raises UnicodeEncodeError for a lone surrogate; the readers replace these before.
    """
    return message_digest(text.encode()).hex()


def message_digest(encoded: bytes) -> bytes:
    """Return the SHA-256 of a text that is already encoded in UTF-8."""
    return sha256(encoded).digest()
