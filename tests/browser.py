"""Runs a headless Chromium, if installed: for tests of a page, and for screenshots."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Final

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
_QUIET: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--hide-scrollbars",
    "--virtual-time-budget=10000",
)


def browse(address: str, options: Sequence[str], *, width: int = 1400, height: int = 1200) -> tuple[str, list[str]]:
    """Open an address in a browser with a new profile. Returns its standard output and the page's console messages.
    Raises CalledProcessError if the browser fails. CHROMIUM must not be None.
    """
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(prefix="extract-browser-", ignore_cleanup_errors=True) as profile:
        command = [
            CHROMIUM,
            *_QUIET,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            *options,
            address,
        ]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
