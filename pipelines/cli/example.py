"""Generates the example in README.md: commands on a sample home after the transcripts of one project were deleted."""

import os
import re
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from typer.testing import CliRunner

from models.errors import ConfigurationError, ExitCode
from models.run import RUN_ID
from pipelines.cli.app import app

_HOME: Final = "/home/mira"
_RUN: Final = "20261130T192810Z-233f10"
_STARTED: Final = "2026-11-30 19:28"
_DELETED: Final = "projects/*tidepool-web"
_LIST: Final = ("sessions", "--state", "expired", "--limit", "3")


def example() -> str:
    """Return the commands and their output as a Markdown block.

    A fixed run_id, start and duration replace those of the run, and `/home/mira` the temporary directory; all else is
    as printed. Raises ConfigurationError if a command fails.
    """
    with TemporaryDirectory(prefix="extract-example-") as scratch:
        where = Path(scratch).resolve()
        os.environ["TZ"] = "UTC"
        if sys.platform != "win32":
            time.tzset()
        (where / "data").mkdir()
        (where / "data" / "settings.toml").write_text("processes = 1\n", encoding="ascii")
        _call(where, "demo", "--mb", "1", "--no-run", str(where / ".claude"))
        _call(where, "run", "--home", f"demo={where / '.claude'}", "--quiet")
        for directory in (where / ".claude").glob(_DELETED):
            shutil.rmtree(directory)
        _call(where, "run", "--quiet")
        listed = _call(where, *_LIST)
        found = re.search(r"^\S+ \S+ +([0-9a-f]{8}) ", listed, re.MULTILINE)
        if found is None:
            raise ConfigurationError(f"the example lists no session: {listed}")
        restore = ("restore", "--to", "~/restored", "--session", found[1])
        restored = _call(where, *(word.replace("~", str(where)) for word in restore))
        shown = f"$ extract {' '.join(_LIST)}\n{listed}\n$ extract {' '.join(restore)}\n{restored}"
        return f"```console\n{_fixed(shown.replace(str(where), _HOME))}```\n"


def _call(where: Path, *words: str) -> str:
    """Run `extract` in this process with `where` as the user's directory and return its output."""
    env = {"HOME": str(where), "EXTRACT_DATA": str(where / "data"), "CLAUDE_CONFIG_DIR": None, "COLUMNS": "80"}
    done = CliRunner().invoke(app, words, prog_name="extract", env=env)
    if done.exit_code not in (ExitCode.VERIFIED, ExitCode.REJECTS):
        raise ConfigurationError(f"extract {' '.join(words)} ended with {done.exit_code}: {done.output}")
    return done.stdout


def _fixed(text: str) -> str:
    text = re.sub(RUN_ID, _RUN, text)
    text = re.sub(rf"({_RUN}, )\d{{4}}-\d\d-\d\d \d\d:\d\d", rf"\g<1>{_STARTED}", text)
    return re.sub(r"\d+(\.\d+)? s$", "0.2 s", text, flags=re.MULTILINE)
