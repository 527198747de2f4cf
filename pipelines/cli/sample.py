"""Makes the sample home of `extract demo` and prints a summary of it."""

from pathlib import Path
from typing import Final

from models.amounts import listed, plural, size
from models.errors import ConfigurationError
from pipelines.cli.console import say, say_wrapped
from pipelines.cli.options import shown_path
from pipelines.demo.demo import DemoSummary, make_home
from pipelines.disk.layout import Layout

SAMPLE_ID: Final = "demo"
"""The id of a sample home in an archive."""
_SHOWN: Final = 5


def make_sample(
    layout: Layout, directory: Path, *, mb: float = 5.0, seed: int = 1, is_silent: bool = False
) -> tuple[str, Path]:
    """Make a sample home of about `mb` megabytes; print a summary unless `is_silent`; return its id and directory, for
    the `homes` of a run's request.

    In the default place, which may be in a git checkout, also write a `.gitignore`. Raises ConfigurationError if the
    directory exists and is not empty.
    """
    if directory == layout.demo:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory.parent / ".gitignore").write_text("*\n", encoding="ascii")
    try:
        made = make_home(directory, mb=mb, seed=seed)
    except ValueError as error:
        raise ConfigurationError(f"{error}. To run on it: extract run --home {directory}") from error
    if not is_silent:
        _show(made)
    return SAMPLE_ID, directory


def _show(made: DemoSummary) -> None:
    largest = dict(sorted(made.entries.items(), key=lambda item: -item[1])[:_SHOWN])
    others = len(made.entries) - len(largest)
    say(f"Sample home: {shown_path(made.root.absolute())}", is_bold=True)
    say(
        f"{plural(made.files, 'file')}, {size(made.bytes)}, {plural(made.sessions, 'session')}, "
        f"{plural(len(made.oddities), 'oddity', 'oddities')} planted on purpose"
    )
    say_wrapped(f"entries: {listed(largest)}, and of {plural(others, 'other kind')}")
    say()
