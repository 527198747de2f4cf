"""The edition of the warehouse: which tables and views this version of the program builds. It imports no DuckDB."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

from extractors.reading.registry import parser_digests

_ROOM = Path(__file__).parent


@cache
def edition() -> str:
    """Return a digest of all definitions from which a warehouse is built: the SQL files, the modules of this package,
    and the tables of the sources. A warehouse of another edition lacks tables or columns that commands read.
    """
    digest = blake2b(repr(sorted(parser_digests().items())).encode(), digest_size=8)
    for path in sorted(path for form in ("*.sql", "*.py", "*.json") for path in _ROOM.rglob(form)):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(_ROOM).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
