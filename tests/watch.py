"""Records network access and forks of the Python processes that a test starts, through a `sitecustomize` module that
each of them imports at its start.
"""

import os
import re
from pathlib import Path

_WATCHER = """
import os, sys
log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
def note(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        os.write(log, f"{event} {args[1]!r}\\n".encode())
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os.write(log, f"{event} {args[0]!r}\\n".encode())
    elif event == "os.fork":
        os.write(log, b"os.fork\\n")
sys.addaudithook(note)
"""
_LOCAL = re.compile(r"""socket\.\w+ (\(?['"](127\.0\.0\.1|::1|localhost)['"]|b?['"]/)""")


def watched(where: Path, *paths: Path) -> dict[str, str]:
    """Return the environment for a watched process; its PYTHONPATH has `paths` and that of this process."""
    where.mkdir()
    (where / "sitecustomize.py").write_text(_WATCHER, encoding="utf-8")
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {
        "PYTHONPATH": os.pathsep.join([str(where), *map(str, paths), *filter(None, given)]),
        "WATCH_LOG": str(where / "log"),
    }


def seen(where: Path) -> list[str]:
    """Return the recorded events: each network access with its address, and each fork."""
    return (where / "log").read_text(encoding="utf-8").splitlines()


def remote_accesses(noted: list[str]) -> list[str]:
    """Return the recorded accesses to other machines."""
    return [line for line in noted if line.startswith("socket.") and not _LOCAL.match(line)]
