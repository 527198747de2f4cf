"""The ids of files and homes: the same in every run and on every machine."""

import re
from hashlib import blake2b
from typing import Final

UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""Pattern of an id of a session, a record or a task as Claude Code writes it: UUID version 4 in lower case, as
0a1b2c3d-1111-4222-8333-444455556666.
"""
_HOME_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def file_id(home_id: str, path: bytes, generation: int) -> int:
    """Return the signed 64-bit id of a file in one generation, computed from home_id, path and generation (BLAKE2b)."""
    made = blake2b(digest_size=8)
    made.update(b"%s\0%d\0" % (home_id.encode(), generation))
    made.update(path)
    return int.from_bytes(made.digest(), "big", signed=True)


def is_home_id(text: str) -> bool:
    """Return whether `text` is a valid home_id: 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first."""
    return _HOME_ID.fullmatch(text) is not None


def home_id_of_name(name: str) -> str:
    """Return a home_id made from a directory's name; 'home' if no character of it is allowed."""
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-_")[:48]
    return made or "home"
