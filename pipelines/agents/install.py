"""The texts that add the server to Claude Code: a line for a shell, and an entry for `.mcp.json`."""

import json
import shlex
from collections.abc import Sequence
from typing import Final

NAME: Final = "claude-code-archive"
"""The name of the server in Claude Code."""


def add_line(command: Sequence[str]) -> str:
    """Return the line that adds the server over stdio for all projects; `command` starts the server."""
    return f"claude mcp add --scope user {NAME} -- {shlex.join(command)}"


def add_http_line(url: str) -> str:
    """Return the line that adds the server that already runs at `url`."""
    return f"claude mcp add --scope user --transport http {NAME} {shlex.quote(url)}"


def settings_of(command: Sequence[str]) -> str:
    """Return the entry of a `.mcp.json` for the server over stdio."""
    server = {"type": "stdio", "command": command[0], "args": list(command[1:])}
    return json.dumps({"mcpServers": {NAME: server}}, indent=2)
