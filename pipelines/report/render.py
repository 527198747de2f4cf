"""Renders a report through its templates: the HTML page, the Markdown file, the short summary.

All values that a template prints pass through `finalize` of its environment: first `models.text.safe`, against control
and look-alike characters, then the escaping of the form. Only the filter `markup`, for the template's own markup, skips
it.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, Literal

from jinja2 import Environment
from markupsafe import Markup

from models.amounts import count, plural, size
from models.text import safe
from pipelines.disk.compiled_templates import template_environment
from pipelines.report.document import Document, shown
from pipelines.report.facts import Facts
from pipelines.report.markdown import code, escaped, escaped_value

_SIGNS: Final = {"verified": "✓", "rejects": "✓", "incomplete": "!", "broken": "✗"}
_PLAIN_OUTCOMES: Final = ("intact", "withheld", "unchecked")

Form = Literal["html", "md"]


@cache
def _environment(form: Form) -> Environment:
    finalize: Callable[[object], object] = escaped_value if form == "md" else _safe_value
    # Escaped also for Markdown: macros then return Markup, which `finalize` does not escape a second time.
    made = template_environment(__file__, "templates", form, finalize)
    made.filters |= {
        "shown": shown,
        "code": _code,
        "within": _within,
        "markup": Markup,
    }
    made.globals["signs"] = _SIGNS
    return made


def _code(text: str) -> Markup:
    return Markup(code(text))


def _within(text: str) -> Markup:
    return Markup(escaped(text, is_start=False))


def _safe_value(value: object) -> object:
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def html_of(document: Document) -> str:
    """Return the report as one self-contained HTML page: no script, no font, no picture, no request."""
    return _environment("html").get_template("report.html.jinja").render(document=document)


def markdown_of(document: Document) -> str:
    """Return the report as Markdown, for a terminal or a code host."""
    return _environment("md").get_template("report.md.jinja").render(document=document).rstrip() + "\n"


def summary_of(facts: Facts) -> str:
    """Return a run in a few lines of Markdown: headline, claim, figures."""
    template = _environment("md").get_template("summary.md.jinja")
    return template.render(facts=facts, figures=_figures(facts)).rstrip() + "\n"


def _figures(facts: Facts) -> list[tuple[str, str]]:
    total = facts.total
    made = [
        ("Files read", f"{count(total.files_read)} of {count(total.files_found)}"),
        ("Bytes read", size(total.bytes_read)),
        ("Entries", count(total.entries)),
        ("= with rows + rejected", f"{count(total.entries_with_rows)} + {count(total.rejects)}"),
        ("Rows", count(total.rows)),
        ("New messages, seen before", f"{count(total.messages_new)}, {count(total.messages_duplicate)}"),
        ("Entries in quarantine, of all runs", count(facts.standing.quarantined)),
    ]
    for outcome in facts.fixity.outcomes:
        if outcome.outcome not in _PLAIN_OUTCOMES and outcome.files:
            made.append((outcome.outcome, plural(outcome.files, "file")))
    if facts.drift.items.total:
        made.append(("Unknown fields and types", count(facts.drift.items.total)))
    if facts.damage.total:
        made.append(("Damaged files of the archive", count(facts.damage.total)))
    if facts.findings.total:
        made.append(("Findings of extract verify", count(facts.findings.total)))
    return made
