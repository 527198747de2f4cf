"""`python -m pipelines`, and the program `extract`: the command line, from the first moment on.

To import it takes a third of a second. Ctrl-C meanwhile ends the process at once: no work was begun by then, and Python
would show a traceback of the import.
"""

import faulthandler
import signal
from contextlib import suppress

from pipelines.cli.interrupts import end_at_once


def main() -> None:
    """Run the command line and exit with its code. A crash in native code (DuckDB, Arrow, Polars) prints the position
    of each thread to stderr: otherwise a report of the crash would have only the signal's number.
    """
    with suppress(OSError, ValueError, RuntimeError):  # a stderr that is closed, or no file
        faulthandler.enable()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background job ignores it
        signal.signal(signal.SIGINT, end_at_once)
    from pipelines.cli.app import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
