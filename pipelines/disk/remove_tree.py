"""Removes a directory tree of any depth: `shutil.rmtree` calls itself for each level, and fails below a thousand."""

import os
import secrets
from pathlib import Path


def remove_tree(root: Path) -> None:
    """Remove a directory and all below it, also from directories without write permission. Follows no link. Raises
    OSError.

    Each directory is first moved up to `root`: so no path gets long, and the depth does not matter.
    """
    mark = f".{secrets.token_hex(4)}-"
    waiting, number = [root], 0
    os.chmod(root, 0o700)
    while waiting:
        directory = waiting.pop()
        with os.scandir(directory) as scanned:
            entries = list(scanned)
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            number += 1
            place = root / f"{mark}{number}"
            os.rename(entry.path, place)
            waiting.append(place)
        if directory != root:
            os.rmdir(directory)
    os.rmdir(root)
