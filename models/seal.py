"""The seal of a small file of ours: the SHA-256 of all that stands before it, in the file's own last line.

It is written in one step with what it vouches for, so that no crash can part them, and a flipped bit anywhere in the
file, the seal itself included, is found by reading the file alone. JSON stays JSON: the seal is its last field. To
check one by hand, take the SHA-256 of what stands before the seal::

    head -c -83 run.json | sha256sum
"""

from hashlib import sha256
from typing import Final

_HEX: Final = 64
_COMMENT: Final = (b"", b"<!-- sha256 of the above: ", b" -->\n")
_FORMS: Final = {
    # What the text ends with (left out before the seal), and what stands before and after the digest.
    ".json": (b"\n}", b',\n  "sha256": "', b'"\n}\n'),
    ".md": _COMMENT,
    ".html": _COMMENT,
    ".txt": (b"", b"# sha256 of the above: ", b"\n"),
}


class SealError(ValueError):
    """The bytes are not those that were sealed. The caller names the file to the user and uses nothing of it."""


def sealed(data: bytes, suffix: str) -> bytes:
    """Return the bytes of a file named with `suffix` (.json, .md, .html, .txt) with its seal at the end.

    JSON must be an object with a field, in lines, as `orjson.OPT_INDENT_2` writes it; anything else is a ValueError.
    """
    end, before, after = _FORMS[suffix]
    if not data.endswith(end) or (end and not data.startswith(b'{\n  "')):
        raise ValueError("what is to be sealed is no JSON object with its fields in lines")
    head = data.removesuffix(end)
    return head + before + sha256(head).hexdigest().encode() + after


def unsealed(raw: bytes, suffix: str) -> bytes:
    """Return what `sealed` was given. Raises SealError when there is no seal, or when it says something else."""
    end, before, after = _FORMS[suffix]
    length = len(before) + _HEX + len(after)
    head, seal = raw[:-length], raw[-length:]
    if len(raw) < length or not seal.startswith(before) or not seal.endswith(after):
        raise SealError("it does not end with its seal")
    if seal != before + sha256(head).hexdigest().encode() + after:
        raise SealError("its seal says that it held something else")
    return head + end
