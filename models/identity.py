"""How files and homes are named: ids that are the same on every run and every machine."""

import re
from hashlib import blake2b

_HOME_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def file_id(home_id: str, path: bytes, generation: int) -> int:
    """Return the 64-bit id of a file in one generation: the same for the same home, path and generation, always."""
    made = blake2b(digest_size=8)
    made.update(b"%s\0%d\0" % (home_id.encode(), generation))
    made.update(path)
    return int.from_bytes(made.digest(), "big", signed=True)


def is_home_id(text: str) -> bool:
    """Whether `text` may name a home: 1 to 64 letters, digits, '.', '_' or '-', not beginning with a sign."""
    return _HOME_ID.fullmatch(text) is not None


def home_id_of_name(name: str) -> str:
    """Return a home id made of a directory's name; 'home' when nothing of it can be used."""
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-_")[:48]
    return made or "home"
