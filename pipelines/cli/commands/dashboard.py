"""`extract dashboard`: one HTML page with charts of the whole archive, as a file or served on the loopback
interface.
"""

import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from models.errors import ConfigurationError
from pipelines.cli.console import say
from pipelines.cli.interrupts import ended_by_interrupt
from pipelines.cli.looking import Redact, masker_of
from pipelines.cli.options import Data, layout_of
from pipelines.dashboard.page import page_of
from pipelines.dashboard.serve import DashboardServer
from pipelines.disk.layout import Layout
from pipelines.redact.masking import Masker
from pipelines.warehouse.opened import open_warehouse

_NAME = Path("claude-code-dashboard.html")


def dashboard(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to write the page; an earlier one is replaced.")
    ] = _NAME,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the page on localhost until Ctrl-C, computed at each visit.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="With --serve; 0: any free port.")] = 0,
    in_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    redact: Redact = None,
    data: Data = None,
) -> None:
    """Write one HTML page with charts of the whole archive.

    Activity, tokens and cost, tools, subagents, content that only the archive still has, growth, fixity; with filters
    by date, project, home and model. The page needs no network and no server. It contains titles and paths of your
    sessions: keep it private, or mask them with --redact.
    """
    layout, masker = layout_of(data), masker_of(redact)
    if serve:
        _serve(layout, masker, port, in_browser=in_browser)
        return
    page = _page(layout, masker)
    try:
        _write(file, page)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from error
    say(f"dashboard: {file}")
    if in_browser and not webbrowser.open(file.resolve().as_uri()):
        say("No browser could be opened: open the file by hand.", stderr=True)


def _page(layout: Layout, masker: Masker | None) -> str:
    with open_warehouse(layout) as connection:
        return page_of(connection, masker.mask if masker else str)


def _write(file: Path, page: str) -> None:
    """Write the page, readable by its owner only: to a temporary file, renamed to `file` when complete."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(beside, "x", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(page)
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def _serve(layout: Layout, masker: Masker | None, port: int, *, in_browser: bool) -> None:
    _page(layout, masker)  # reports an error of the warehouse here instead of in the browser
    try:
        server = DashboardServer(lambda: _page(layout, masker), port)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on port {port}: {error.strerror}") from error
    with server:
        say(f"dashboard: {server.address}")
        say("Ctrl-C ends it. Keep the address private: every user of this machine who has it can read the page.")
        if in_browser:
            webbrowser.open(server.address)
        with ended_by_interrupt():
            server.serve_forever()
