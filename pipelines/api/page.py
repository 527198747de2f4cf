"""The page about the API, made from its OpenAPI document: no script, nothing from elsewhere, so it works offline."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

_HEAD: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The Context API</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
code{font:14px ui-monospace,monospace}h2{margin:2rem 0 .25rem}table{border-collapse:collapse}
td,th{text-align:left;vertical-align:top;padding:.15rem 1rem .15rem 0;border-bottom:1px solid #8884}
</style><h1>The Context API</h1>"""
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
"""The Content-Security-Policy of every page."""


def page_of(document: Mapping[str, object]) -> str:
    """Return the page for an OpenAPI document."""
    info = _mapping(document["info"])
    intro = f"<p>{escape(str(info.get('description', '')))}</p>"
    link = '<p>The same for programs: <a href="/api/v1/openapi.json">openapi.json</a></p>'
    return "".join([_HEAD, intro, link, *_operations(_mapping(document["paths"]))])


def _operations(paths: Mapping[str, object]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, each in _mapping(methods).items():
            operation = _mapping(each)
            yield f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
            yield f"<p>{escape(str(operation.get('description', operation.get('summary', ''))))}</p>"
            parameters = operation.get("parameters")
            if isinstance(parameters, list) and parameters:
                yield f"<table><tr><th>parameter<th>in<th>meaning{''.join(map(_row, parameters))}</table>"


def _row(parameter: object) -> str:
    one = _mapping(parameter)
    cells = (one["name"], one["in"], one.get("description", ""))
    return "<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in cells)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
