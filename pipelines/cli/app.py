"""The entry point of the command line: calls the command, reports its errors, returns the exit code."""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from gc import freeze, set_threshold
from typing import Annotated

import typer

from models.errors import ExitCode, ExtractError
from models.text import printable_path, safe
from pipelines.cli.confirm import Declined
from pipelines.cli.interrupts import ignore_interrupts, noticed, noticing_interrupts
from pipelines.cli.loader import AllCommands
from pipelines.cli.options import DataBeforeCommand, program
from pipelines.cli.standard_output import discard, let_the_reader_go
from pipelines.disk.atomic import NO_ROOM, REFUSALS
from pipelines.disk.platform import make_files_private
from pipelines.version import VERSION

DEBUG_VARIABLE = "EXTRACT_DEBUG"

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3d}  {code.sentence}" for code in ExitCode)

app = typer.Typer(
    name="extract",
    cls=AllCommands,
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"extract {VERSION}\n")
        raise typer.Exit


@app.callback()
def extract(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    data: DataBeforeCommand = None,
) -> None:
    """Extract everything in ~/.claude into a warehouse for SQL, completely and without changing it."""


def invoke(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` and return the exit code. Every error is reported in a line or two on standard
    error; EXTRACT_DEBUG=1 adds the traceback.
    """
    make_files_private()
    let_the_reader_go()
    _write_whatever_comes()
    with noticing_interrupts():
        try:
            return _flushed(_called(arguments))
        except KeyboardInterrupt:  # during the final flush
            return _interrupted()


def _flushed(code: int) -> int:
    """Flush standard output; returns `code`, or the code of the system error that occurred."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _refused_by_system(error) or code
    return code


def _called(arguments: Sequence[str]) -> int:
    try:
        app(arguments, prog_name=program())
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else ExitCode.VERIFIED
        return _interrupted() if noticed() else code
    except Declined as declined:
        sys.stdout.write(f"{declined}\n")
        return declined.exit_code
    except Exception as error:  # noqa: BLE001 (the last to handle it: no user is shown a traceback unasked)
        return _interrupted() if noticed() else _failed(error)
    return ExitCode.VERIFIED


def _failed(error: Exception) -> int:
    """Report an error of a command and return the exit code."""
    if isinstance(error, ExtractError):
        _tell(str(error))
        _tell_where()
        return error.exit_code
    if isinstance(error, OSError) and (code := _refused_by_system(error)):
        return code
    _tell(f"{type(error).__name__}: {error}; this is a bug in extract. {DEBUG_VARIABLE}=1 shows the traceback")
    _tell_where()
    return ExitCode.UNEXPECTED


def _refused_by_system(error: OSError) -> ExitCode | None:
    """Report an OSError about disk space, permissions or a failing device and return its exit code; None for any other
    error.

    Errors of reading a home are handled where homes are read. So this one is about the data directory, another output
    path of the command, or standard output.
    """
    if error.errno not in REFUSALS:
        return None
    if error.filename is None:
        discard()
        where = "standard output"
    else:
        where = printable_path(os.fsencode(error.filename))
    advice = "Free some space" if error.errno in NO_ROOM else "Change its permissions"
    _tell(f"{where} cannot be used: {os.strerror(error.errno)}. {advice}, or give another path")
    _tell_where()
    return ExitCode.DISK


def _interrupted() -> int:
    _tell("interrupted; committed work stays, and the same command does the rest")
    return ExitCode.INTERRUPTED


def _tell(text: str) -> None:
    sys.stderr.write(f"extract: {safe(text)}\n")


def _tell_where() -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        sys.stderr.write(safe(traceback.format_exc(), keep_newlines=True))


def _write_whatever_comes() -> None:
    """Make output never fail on a character: write UTF-8 to pipes, and on a terminal escape what its encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def main() -> None:
    """Run the command line and exit with its code."""
    # A run makes no reference cycles: a collection every 700 objects (the default) would cost a tenth of the time of a
    # run that finds nothing new.
    set_threshold(200_000, 20, 100)
    # pyarrow and DuckDB import NumPy if it is installed, which takes a fifth of the start time, and DuckDB looks for
    # pandas once for each value of a query; extract uses neither.
    for name in ("numpy", "pandas"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None prevents the import
    code = invoke(sys.argv[1:])
    ignore_interrupts()
    # Without freezing, Python collects garbage several times at exit although the process ends anyway. DuckDB 2 needs
    # that collection: it reports objects that are alive at exit as leaks.
    engine = sys.modules.get("duckdb")
    if engine is None or str(getattr(engine, "__version__", "")) < "2":
        freeze()
    sys.exit(code)
