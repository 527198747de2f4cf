"""`extract mcp`: the archive for agents, by the Model Context Protocol."""

import os
import shlex
import shutil
import sys
from typing import Annotated, Final

import typer

from pipelines.agents.install import add_http_line, add_line, settings_of
from pipelines.agents.server import ArchiveServer
from pipelines.archive.audit import note_access
from pipelines.cli.console import say
from pipelines.cli.loader import semantic_search
from pipelines.cli.looking import Level, level_of
from pipelines.cli.options import Data, layout_of, program
from pipelines.context.keys import secret_path
from pipelines.context.questions import Questions
from pipelines.disk.layout import Layout
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.current import CurrentWarehouse
from pipelines.warehouse.opened import no_warehouse

_HOST: Final = "127.0.0.1"
_PORT: Final = 8791


def mcp(
    install: Annotated[
        bool, typer.Option("--install", help="Print the line that adds the server to Claude Code, and do nothing.")
    ] = False,
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP on the loopback interface instead of stdio.")
    ] = False,
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="The port of --http.")] = _PORT,
    redact: Level = "private",
    data: Data = None,
) -> None:
    """Serve the archive to agents (MCP).

    Tools: search, session, sessions, sql, usage, files_touched, show; every session is a resource. All only read the
    published warehouse and the store. Secrets are masked; --redact none gives exact texts. With team or public there is
    neither sql nor show: a query can cut a text so that no rule finds the secret in it.
    """
    layout, level = layout_of(data), level_of(redact)
    url = f"http://{_HOST}:{port}/{secret_path(layout)}/mcp"
    if install:
        _print_lines(layout, redact, url if http else None, port)
        return
    where = "http" if http else "stdio"

    def note(question: str, about: str) -> None:
        note_access(layout, "mcp", where, level=redact, counts={question: 1})

    questions = Questions(CurrentWarehouse(layout), level, semantic_search(layout), note)
    if not questions.published.version:
        raise no_warehouse(layout)
    server = ArchiveServer(questions, has_exact=level in (None, PrivacyLevel.PRIVATE))
    if not http:
        server.run("stdio")
        return
    say(f"MCP server at {url}", stderr=True)
    say(f"add it: {add_http_line(url)}", stderr=True)
    say("Ctrl-C ends it.", stderr=True)
    server.run("streamable-http", host=_HOST, port=port, streamable_http_path=f"/{secret_path(layout)}/mcp")


def _print_lines(layout: Layout, redact: str, url: str | None, port: int) -> None:
    """Print the line for a shell on standard output, and the explanations on standard error."""
    name = shutil.which(program()) or os.path.abspath(sys.argv[0])
    command = [name, "mcp", "--data", str(layout.root), *(["--redact", redact] if redact != "private" else [])]
    if url is not None:
        say(add_http_line(url))
        say(f"The server must run: {shlex.join([*command, '--http', '--port', str(port)])}", stderr=True)
        return
    say(add_line(command))
    say("Or in .mcp.json:", stderr=True)
    say(settings_of(command), stderr=True)
