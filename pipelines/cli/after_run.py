"""Pushes to lakes at the end of a run."""

from models.errors import ConfigurationError, ExitCode
from pipelines.cli.lakes import show_push
from pipelines.cli.progress import showing
from pipelines.disk.layout import Layout
from pipelines.lake import every
from pipelines.lake.known import read_lakes


def push_after_run(layout: Layout, *, is_asked: bool, is_silent: bool) -> ExitCode:
    """Push as `pipelines.lake.every.push_after_run` does, print how each push ended, and return the exit code. A lake
    that cannot be reached is named, and makes the run fail only if `is_asked`. Raises ConfigurationError if `is_asked`
    and no lake is in use.
    """
    if is_asked and not read_lakes(layout):
        raise ConfigurationError("the run is done; there is no lake to push to: `extract lake init DEST` joins one")
    with showing(shown=not is_silent) as observer:
        outcomes = every.push_after_run(layout, observer, is_asked=is_asked)
    for one in outcomes:
        show_push(one, quiet=is_silent)
    return max((one.exit_code for one in outcomes), default=ExitCode.VERIFIED) if is_asked else ExitCode.VERIFIED
