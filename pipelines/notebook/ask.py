"""Opens the warehouse for a notebook, queries it, and shows the results so that no text in them acts as markup."""

import os
from pathlib import Path
from typing import Final

import polars as pl
from IPython.display import HTML, Markdown, display

from models.errors import ConfigurationError
from models.text import safe
from pipelines.disk.layout import ENVIRONMENT_VARIABLE, Layout
from pipelines.warehouse.notebook import OpenWarehouse, open_warehouse

_WIDTH: Final = 90
_ROWS: Final = 25
_ADVICE: Final = """
**There is no warehouse in `{}` yet.** In a terminal, in the folder of the project, do one of these, then run this
notebook again:

- `python3 dev.py run` reads your own `~/.claude`, changing nothing in it;
- `python3 dev.py extract demo` makes a sample home and reads that one;
- `{}=/where/it/is`, set for the program that shows this notebook, has another data directory read.
"""


class Stop(Exception):
    """Ends a notebook where it is, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return the traceback that IPython shows: an empty one."""
        return []


def open_here() -> OpenWarehouse:
    """Open the warehouse of EXTRACT_DATA, else of `data/` beside the folder of the notebook, read-only. If there is
    none, displays the next step and raises Stop.
    """
    layout = Layout.of(None if os.environ.get(ENVIRONMENT_VARIABLE) else Path("../data"))
    try:
        return open_warehouse(layout)
    except ConfigurationError:
        display(Markdown(_ADVICE.format(layout.root, ENVIRONMENT_VARIABLE)))
        raise Stop from None


def ask(warehouse: OpenWarehouse, sql: str, *values: object) -> pl.DataFrame:
    """Return the result of a query as a frame whose texts are safe to be shown; `values` are those of its question
    marks. Raises duckdb.Error.
    """
    frame = warehouse.connection.execute(sql, list(values)).pl()
    return frame.with_columns(pl.col(pl.String).map_elements(cut, return_dtype=pl.String))


def cut(text: str, width: int = _WIDTH) -> str:
    """Return text in one line of at most `width` characters, with control characters escaped."""
    line = safe(" ".join(text[: 8 * width].split()))
    return line if len(line) <= width else f"{line[: width - 1]}…"


def table(frame: pl.DataFrame, *, rows: int = _ROWS) -> None:
    """Display the first rows of a frame, or a sentence if it has none."""
    if frame.is_empty():
        display(Markdown("*Nothing here.*"))
        return
    with pl.Config(
        tbl_rows=rows, fmt_str_lengths=2 * _WIDTH, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True
    ):
        display(HTML(frame.head(rows)._repr_html_()))
