"""Recognises private keys and files of tokens by their first bytes, whatever their names are.

The whole beginning must look like such a file: a note or a script that mentions a key is not one.
"""

import re
from typing import Final

HEAD_BYTES: Final = 4096
"""The number of bytes that are examined."""
LARGEST: Final = 64 << 10
"""The size from which a file is neither a key nor a file of tokens."""

_KEY: Final = re.compile(
    rb"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|PuTTY-User-Key-File-[0-9]|AGE-SECRET-KEY-1|---- BEGIN SSH2 ENCR)"
)
_COMMENTS: Final = re.compile(
    rb"\A(\xef\xbb\xbf)?(\s+|#[^\n]*\n|Bag Attributes\n(\s+[^\n]*\n)+|Key Attributes:[^\n]*\n)*"
)
_JSON_FIELD: Final = re.compile(
    rb'"([a-z0-9]+[_-])*(access|refresh|id|auth|session|bearer|bot|api|oauth)?[_-]?'
    rb'(token|secret|client[_-]?secret|private[_-]?key|api[_-]?key|secret[_-]?(access[_-]?)?key|password)"'
    rb'\s*:\s*"[^"\s]{16,}',
    re.IGNORECASE,
)
_ASSIGNMENT: Final = re.compile(rb"(export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*[=:]\s*(\S.*)?")
_SECRET_NAME: Final = re.compile(
    rb"(SECRET|TOKEN|PASSW(OR)?D|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)", re.IGNORECASE
)
_VALUE: Final = re.compile(rb"['\"]?[^\s'\"$<{]{12,}")
_BARE_TOKEN: Final = re.compile(
    rb"\s*(sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{18,}|xox[abeprs]-[\w-]{20,}"
    rb"|AKIA[A-Z0-9]{16}|npm_[A-Za-z0-9]{30,}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*)\s*\Z"
)


def looks_like_a_secret(head: bytes) -> bool:
    """Return whether a file that begins with `head`, at most `HEAD_BYTES` of it, is a private key or a file of
    tokens.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # Windows PowerShell writes UTF-16
        head = head[: len(head) & ~1].decode("utf-16", "replace").encode()
    text = head[_end_of_comments(head) :]
    if _KEY.match(text) or _BARE_TOKEN.match(text):
        return True
    if text.startswith(b"{"):
        return _JSON_FIELD.search(text) is not None
    return _is_of_assignments(text, is_cut=len(head) >= HEAD_BYTES)


def _end_of_comments(head: bytes) -> int:
    found = _COMMENTS.match(head)
    return found.end() if found is not None else 0


def _is_of_assignments(text: bytes, *, is_cut: bool) -> bool:
    """Whether every line is a name with a value, and at least one of the values is a secret."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in (lines[:-1] if is_cut else lines) if line and not line.startswith((b"#", b";", b"["))]
    found = [_ASSIGNMENT.fullmatch(line) for line in lines]
    return bool(found) and all(found) and any(_is_secret(one) for one in found if one is not None)


def _is_secret(assignment: re.Match[bytes]) -> bool:
    return _SECRET_NAME.search(assignment[2]) is not None and _VALUE.match(assignment[3] or b"") is not None
