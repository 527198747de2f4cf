"""The seal of a small file: its last line has the SHA-256 of all bytes before it.

File and seal are written together, so a crash cannot separate them, and a flipped bit anywhere in the file, the seal
included, is detected by reading this file alone. A JSON file remains valid: the seal is its last field. To check a seal
by hand, compute the SHA-256 of the bytes before it::

    head -c -83 run.json | sha256sum
"""

from hashlib import sha256
from typing import Final

_HEX: Final = 64
_COMMENT: Final = (b"", b"<!-- sha256 of the above: ", b" -->\n")
_FORMS: Final = {
    # The end of the text (removed before the seal), and the bytes before and after the digest.
    ".json": (b"\n}", b',\n  "sha256": "', b'"\n}\n'),
    ".md": _COMMENT,
    ".html": _COMMENT,
    ".txt": (b"", b"# sha256 of the above: ", b"\n"),
}


class SealError(ValueError):
    """The bytes differ from the sealed ones. The caller must use nothing of the file, and name it to the user."""


def sealed(data: bytes, suffix: str) -> bytes:
    """Return the bytes with a seal at the end, for a file with `suffix` (.json, .md, .html, .txt).

    JSON must be an object with at least one field, indented as `orjson.OPT_INDENT_2` does; else ValueError.
    """
    end, before, after = _FORMS[suffix]
    if not data.endswith(end) or (end and not data.startswith(b'{\n  "')):
        raise ValueError("only a JSON object that is indented by two can be sealed")
    head = data.removesuffix(end)
    return head + before + sha256(head).hexdigest().encode() + after


def unsealed(raw: bytes, suffix: str) -> bytes:
    """Return the bytes that `sealed` was given. Raises SealError when the seal is missing or does not match."""
    end, before, after = _FORMS[suffix]
    length = len(before) + _HEX + len(after)
    head, seal = raw[:-length], raw[-length:]
    if len(raw) < length or not seal.startswith(before) or not seal.endswith(after):
        raise SealError("it does not end with a seal")
    if seal != before + sha256(head).hexdigest().encode() + after:
        raise SealError("its bytes differ from the SHA-256 in its seal")
    return head + end
