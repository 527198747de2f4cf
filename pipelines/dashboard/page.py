"""Builds the dashboard: one HTML page that loads nothing and runs only its own scripts.

The data is in a JSON block without `<`, so that no text can close the block; the scripts insert text only as
`textContent`. The page's Content-Security-Policy has the digest of each script: browsers run no other.
"""

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from typing import Final

import duckdb
import orjson
from markupsafe import Markup

from models.json import JsonObject
from pipelines.dashboard.cubes import Masking, read_cubes
from pipelines.disk.compiled_templates import template_environment
from pipelines.version import VERSION

_SCRIPTS: Final = ("d3.min.js", "plot.umd.min.js", "rows.js", "charts.js", "dashboard.js")
_ESCAPES: Final = ((b"<", b"\\u003c"), ("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def page_of(connection: duckdb.DuckDBPyConnection, mask: Masking = str) -> str:
    """Return the dashboard of an open warehouse as HTML, with days in the time zone of the connection, and every text
    as `mask` returns it.
    """
    cubes = read_cubes(connection, mask)
    about: JsonObject = {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "version": VERSION}
    return page_with(cubes.to_json() | about)


def page_with(data: JsonObject) -> str:
    """Return the page for `data`: the result of `Cubes.to_json`, with `made_at` and `version`."""
    assets = files("pipelines.dashboard") / "assets"
    scripts = [(assets / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return (
        template_environment(__file__, "assets")
        .get_template("dashboard.html.jinja")
        .render(
            policy=_policy(scripts),
            style=Markup((assets / "dashboard.css").read_text(encoding="utf-8")),
            data=Markup(_json(data)),
            scripts=[Markup(script) for script in scripts],
        )
    )


def _policy(scripts: list[str]) -> str:
    digests = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def _json(data: JsonObject) -> str:
    raw = orjson.dumps(data)
    for sign, escape in _ESCAPES:
        raw = raw.replace(sign, escape)
    return raw.decode()
