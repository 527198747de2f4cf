"""Shared by the tests of servers: lists in answers, and free ports."""

import socket
from contextlib import closing

from models.json import JsonObject


def rows_in(answer: JsonObject, name: str) -> list[JsonObject]:
    """Return a list of objects in an answer."""
    found = answer[name]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def free_port() -> int:
    """Return a port on which no process listens."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
