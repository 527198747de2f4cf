"""`extract show`: prints the archived bytes at an address."""

import sys
from typing import Annotated

import typer

from pipelines.archive.show import entry_bytes, safe_text
from pipelines.cli.options import Data, layout_of
from pipelines.run.pipeline import latest_run


def show(
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="HOME:PATH[#GENERATION][@OFFSET+LENGTH], or FILE_ID[@OFFSET+LENGTH]."),
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the exact bytes, even to a terminal.")] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="RUN", help="As of this run. Default: the last run.")
    ] = None,
    data: Data = None,
) -> None:
    """Print the bytes at an address, verified.

    Also works after the file is gone from its home. The warehouse's macro address(file_id, byte_offset, byte_length)
    makes addresses. A pipe gets the exact bytes; on a terminal, control characters are escaped.
    """
    layout = layout_of(data)
    run_id = latest_run(layout, as_of).run_id if as_of else None
    blocks = entry_bytes(layout, address, run_id)
    if raw or not sys.stdout.isatty():
        sys.stdout.flush()
        for block in blocks:
            sys.stdout.buffer.write(block)
        return
    for text in safe_text(blocks):
        sys.stdout.write(text)
    sys.stdout.write("\n")
