"""Charts of notebooks, made with Altair: interactive in JupyterLab, as a picture everywhere else.

A chart is displayed as Vega-Lite, which JupyterLab draws by itself, and as PNG for a forge and a printer. Nothing is
loaded from anywhere: neither of the two needs a script of another machine.
"""

from io import BytesIO
from typing import Final

import altair as alt
import polars as pl
import vl_convert
from IPython.display import display
from PIL import Image

COLOURS: Final = (
    "#3f6c9b",
    "#cf7a33",
    "#4d8f5c",
    "#9a5fae",
    "#b9534c",
    "#4d97a3",
    "#a38b2d",
    "#7f6a93",
    "#6b7f3a",
    "#9aa0a8",
)
WIDTH: Final = 620
_ENDS: Final = "length(datum.label) > 42 ? '…' + slice(datum.label, -41) : datum.label"
"""Of a long name its end is shown: paths begin alike."""
_MIME: Final = "application/vnd.vegalite.v{}+json"


def draw(chart: alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart) -> None:
    """Display a chart. Raises ValueError for one that Vega-Lite cannot draw."""
    spec = chart.configure_view(stroke=None).configure_range(category=list(COLOURS)).to_dict()
    major = alt.SCHEMA_VERSION.removeprefix("v").split(".")[0]
    png = BytesIO()
    with Image.open(BytesIO(vl_convert.vegalite_to_png(spec, scale=1.5, allowed_base_urls=[]))) as picture:
        # A palette makes a picture a fifth as large: notebooks are committed with their pictures.
        picture.convert("RGB").quantize(64).save(png, "PNG", optimize=True)
    display({_MIME.format(major): spec, "image/png": png.getvalue(), "text/plain": "a chart"}, raw=True)


def bars_over_time(frame: pl.DataFrame, value: str, by: str, *, unit: str = "yearweek") -> alt.Chart:
    """Return stacked bars of `value` along the column `at`, by the column `by`: a click in the legend chooses one of
    these, hovering tells the figures. `unit` is a time unit of Vega-Lite, as wide as a bar.
    """
    chosen = alt.selection_point(fields=[by], bind="legend")
    made: alt.Chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X(f"{unit}(at):T", title=None),
            y=alt.Y(f"sum({value}):Q", title=value.replace("_", " ")),
            color=alt.Color(f"{by}:N", title=by.replace("_", " ")),
            opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.15)),
            tooltip=[f"{unit}(at):T", f"{by}:N", alt.Tooltip(f"sum({value}):Q", format=",")],
        )
        .add_params(chosen)
        .properties(width=WIDTH, height=200)
    )
    return made


def ranking(frame: pl.DataFrame, name: str, value: str, *, by: str | None = None, most: int = 15) -> alt.Chart:
    """Return horizontal bars of the largest `most` sums of `value` by the column `name`, stacked by the column `by`."""
    largest = frame.group_by(name).agg(pl.col(value).sum()).sort(value, name, descending=[True, False])[name].head(most)
    chosen = alt.selection_point(fields=[by or name], bind="legend" if by else alt.Undefined)
    made: alt.Chart = (
        alt.Chart(frame.filter(pl.col(name).is_in(largest.implode())))
        .mark_bar()
        .encode(
            x=alt.X(f"sum({value}):Q", title=value.replace("_", " ")),
            y=alt.Y(f"{name}:N", sort=largest.to_list(), title=None, axis=alt.Axis(labelLimit=280, labelExpr=_ENDS)),
            color=alt.Color(f"{by}:N") if by else alt.value(COLOURS[0]),
            opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.25)),
            tooltip=[f"{name}:N", *([f"{by}:N"] if by else []), alt.Tooltip(f"sum({value}):Q", format=",")],
        )
        .add_params(chosen)
        .properties(width=WIDTH - 160, height=alt.Step(18))
    )
    return made
