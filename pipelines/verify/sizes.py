"""Checks that every committed Parquet file exists with its size, without importing any engine."""

import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from models.finding import Finding
from models.findings import parts as codes
from models.run import PartRecord
from pipelines.verify.context import Context, unreadable

_CHUNK: Final = 1 << 20


def check_sizes(context: Context) -> None:
    """Check that every part is a regular file of its size."""
    for run, _, part in context.parts():
        if not context.is_usable(part):
            continue
        try:
            found = (context.layout.root / part.path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            distrust(context, part, codes.GONE.at(part.path, run=run.run_id))
            continue
        except OSError as error:
            distrust(context, part, unreadable(context, error))
            continue
        if not stat.S_ISREG(found.st_mode):
            distrust(context, part, codes.NO_FILE.at(part.path, what=_kind(found.st_mode)))
        elif found.st_size != part.size:
            distrust(context, part, codes.SIZE.at(part.path, actual=found.st_size, expected=part.size))


def _kind(mode: int) -> str:
    return "link" if stat.S_ISLNK(mode) else "directory" if stat.S_ISDIR(mode) else "special file"


def distrust(context: Context, part: PartRecord, finding: Finding) -> None:
    """Add a finding about a part, and mark the part as not to be opened."""
    context.distrusted.add(part.path)
    context.findings.append(finding)


def digest(path: Path, advances: Callable[[int], None]) -> str:
    """Return the SHA-256 of a file in hex; call `advances` with the number of bytes of each chunk. Raises OSError."""
    made = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            made.update(chunk)
            advances(len(chunk))
    return made.hexdigest()
