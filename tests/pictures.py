"""Makes the pictures of the README: `python3 dev.py pictures` runs commands on the sample home in a pseudo-terminal and
writes each output as an SVG to docs/pictures/. If Chromium is installed, it also takes a screenshot of the dashboard.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from pipelines.cli.browser.app import DARK, LIGHT, Browser
from pipelines.cli.browser.source import BrowserSource
from pipelines.disk.layout import Layout
from pipelines.look.filters import Filters
from tests.browser import CHROMIUM, browse
from tests.command_line import ROOT

INTO: Final = ROOT / "docs" / "pictures"
WIDTH: Final = 80
SESSIONS: Final = (
    "SELECT title, started_at, response_count AS answers, output_tokens AS tokens FROM sessions "
    "WHERE title IS NOT NULL ORDER BY tokens DESC LIMIT 5"
)
PROMPTS: Final = (
    "SELECT prompt, address(file_id, byte_offset, byte_length) AS address FROM prompts WHERE prompt LIKE 'rename %'"
)
ADDRESS: Final = "demo:history.jsonl@2997+140"
"""An address from the result of the query PROMPTS, in the sample home of 5 MB with seed 1."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: its name, its title, the commands in it as arguments of `extract`, and the lines shown of each."""

    name: str
    title: str
    commands: Sequence[Sequence[str]]
    most_lines: int = 60


PICTURES: Final = (
    Picture("run", "extract run", [("run", "--home", "demo=home")]),
    Picture("sessions", "extract sessions", [("sessions", "--limit", "4"), ("usage", "--by", "month")]),
    Picture("session", "extract session", [("session", "28342b96", "--no-pager")], 44),
    Picture("sql", "extract sql", [("sql", SESSIONS), ("sql", PROMPTS), ("show", ADDRESS)]),
)


def in_terminal(command: Sequence[str], where: Path) -> str:
    """Run a command with a pseudo-terminal of WIDTH columns as standard output and return its output, without the
    progress on standard error. Does not work on Windows, which has no pseudo-terminals.
    """
    if sys.platform == "win32":
        sys.exit("the pictures are made in a pseudo-terminal, which Windows has not")
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, WIDTH, 0, 0))
    env = {**os.environ, "HOME": str(where), "EXTRACT_DATA": str(where / "data"), "TERM": "xterm-256color", "TZ": "UTC"}
    env.pop("COLUMNS", None)
    process = Popen(command, cwd=where, stdin=DEVNULL, stdout=slave, stderr=DEVNULL, env=env)
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:
        pass  # on Linux, reading raises OSError when the other end is closed
    os.close(master)
    if process.wait() not in (0, 4):
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return shown.decode().replace("\r\n", "\n").replace(str(where), "~")


def svg(picture: Picture, where: Path) -> str:
    """Return the picture as SVG."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, highlight=False)
        for command in picture.commands:
            typed = " ".join(f'"{word}"' if " " in word else word for word in ("extract", *command))
            console.print(Text.assemble(("$ ", "bold green"), typed))
            text = in_terminal([sys.executable, "-m", "pipelines", *command], where)
            console.print(Text.from_ansi("\n".join(text.splitlines()[: picture.most_lines])))
        return without_fonts(console.export_svg(title=picture.title, theme=MONOKAI, unique_id=picture.name))


def without_fonts(made: str) -> str:
    """Return an SVG of Rich or Textual without references to web fonts: the viewer uses its own font."""
    made = re.sub(r"@font-face \{.*?\}\s*", "", made, flags=re.DOTALL)
    made = made.replace("Fira Code", "ui-monospace").replace(
        "<!-- Generated with Rich https://www.textualize.io -->", ""
    )
    return "\n".join(line.rstrip() for line in made.splitlines()) + "\n"


def take_browser(where: Path) -> None:
    """Take a picture of the terminal browser with a conversation, in light and dark colours."""
    for name, theme in (("browse", LIGHT), ("browse-dark", DARK)):
        browser = Browser(BrowserSource(Layout(where / "data"), None), Filters(), theme, pause=0)
        made = asyncio.run(_shown(browser))
        (INTO / f"{name}.svg").write_text(without_fonts(made), encoding="utf-8", newline="\n")
        print(f"written: docs/pictures/{name}.svg")


async def _shown(browser: Browser) -> str:
    async with browser.run_test(size=(110, 32)) as pilot:
        for keys in ((), ("enter", "n")):
            await pilot.press(*keys)
            await pilot.pause()
            await browser.workers.wait_for_complete()
            await pilot.pause()
        return browser.export_screenshot(title="extract browse")


def take_dashboard(where: Path) -> None:
    """Take screenshots of the archive in `where`: its report, a document, and the dashboard in light and dark mode."""
    program = [sys.executable, "-m", "pipelines"]
    in_terminal([*program, "dashboard", "page.html"], where)
    in_terminal([*program, "export", "--to", "documents", "--format", "html", "--project", "harbor"], where)
    largest = max((where / "documents").iterdir(), key=lambda path: path.stat().st_size)
    (report,) = (where / "data" / "runs").glob("*/report.html")
    for name, page in (("export", largest), ("report", report)):
        browse(page.as_uri(), [f"--screenshot={INTO / f'{name}.png'}"], width=1000, height=900)
        print(f"written: docs/pictures/{name}.png")
    for name, options in (("dashboard", []), ("dashboard-dark", ["--blink-settings=preferredColorScheme=0"])):
        target = INTO / f"{name}.png"
        browse((where / "page.html").as_uri(), [f"--screenshot={target}", *options], width=1200, height=1150)
        print(f"written: docs/pictures/{target.name}")


def main() -> None:
    """Make the sample home in a temporary directory, and all pictures from it."""
    INTO.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="extract-pictures-") as scratch:
        where = Path(scratch).resolve()
        in_terminal([sys.executable, "-m", "pipelines", "demo", "--no-run", "home"], where)
        for picture in PICTURES:
            (INTO / f"{picture.name}.svg").write_text(svg(picture, where), encoding="utf-8", newline="\n")
            print(f"written: docs/pictures/{picture.name}.svg")
        take_browser(where)
        if CHROMIUM is None:
            print("left out: the dashboard, since there is no Chromium here")
        else:
            take_dashboard(where)


if __name__ == "__main__":
    main()
