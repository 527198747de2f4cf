"""Pushes to lakes at the end of a run."""

from models.errors import ConfigurationError, ExitCode
from pipelines.cli.lakes import push_all
from pipelines.cli.progress import showing
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.lake.known import read_lakes


def push_after_run(layout: Layout, *, is_asked: bool, is_silent: bool) -> ExitCode:
    """Push to every lake if `is_asked` or the settings require it, else to those whose own record requires it; return
    the exit code. A lake that cannot be reached is named, and makes the run fail only if `is_asked`. Raises
    ConfigurationError if `is_asked` and no lake is in use.
    """
    known = read_lakes(layout)
    if is_asked and not known:
        raise ConfigurationError("the run is done; there is no lake to push to: `extract lake init DEST` joins one")
    chosen = [one for one in known if is_asked or one.is_automatic or read_settings(layout).push]
    with showing(shown=not is_silent) as observer:
        outcomes = push_all(layout, chosen, observer, why="after a run")
    for one in outcomes:
        one.show(quiet=is_silent)
    return max((one.exit_code for one in outcomes), default=ExitCode.VERIFIED) if is_asked else ExitCode.VERIFIED
