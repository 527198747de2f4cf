"""Renders a report through its templates: the HTML page, the Markdown file, the short summary.

All values that a template prints pass through `finalize` of its environment: first `models.text.safe`, against control
and look-alike characters, then the escaping of the form. Only the filter `markup`, for the template's own markup, skips
it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha1
from importlib.util import cache_from_source
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket, BytecodeCache
from markupsafe import Markup

from models.amounts import count, plural, size
from models.text import safe
from pipelines.report.document import Document, shown
from pipelines.report.facts import Facts
from pipelines.report.markdown import code, escaped, escaped_value

_SIGNS: Final = {"verified": "✓", "rejects": "✓", "incomplete": "!", "broken": "✗"}
_PLAIN_OUTCOMES: Final = ("intact", "withheld", "unchecked")

_TEMPLATES: Final = Path(__file__).with_name("templates")

Form = Literal["html", "md"]


class _CompiledTemplates(BytecodeCache):
    """Keeps compiled templates in the `__pycache__` beside them, as Python keeps compiled modules: to compile them
    takes longer than to render a report. Where that directory cannot be written, each run compiles them.
    """

    def __init__(self, form: Form) -> None:
        """`form` is in the keys: the forms escape differently, also what is constant in a template."""
        self._form = form

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the key of a template: a digest of its name, its form, and this module, which has the settings."""
        return sha1("|".join([name, self._form, _settings_digest()]).encode(), usedforsecurity=False).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, unless there is none for this version of the template, Jinja and Python."""
        try:
            bucket.load_bytecode(BytesIO(_compiled(bucket).read_bytes()))
        except (OSError, EOFError, ValueError, TypeError, UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a compiled template; concurrent runs write the same bytes."""
        made = BytesIO()
        bucket.write_bytecode(made)
        place = _compiled(bucket)
        new = place.with_suffix(f".{os.getpid()}")
        try:
            place.parent.mkdir(exist_ok=True)
            new.write_bytes(made.getvalue())
            new.replace(place)
        except OSError:
            with suppress(OSError):  # on a read-only file system this fails even where there is no such file
                new.unlink()


@cache
def _settings_digest() -> str:
    return sha1(Path(__file__).read_bytes(), usedforsecurity=False).hexdigest()


def _compiled(bucket: Bucket) -> Path:
    return Path(cache_from_source(str(_TEMPLATES / f"{bucket.key}.jinja")))


@cache
def _environment(form: Form) -> Environment:
    finalize: Callable[[object], object] = escaped_value if form == "md" else _safe_value
    made = Environment(
        loader=PackageLoader("pipelines.report", "templates"),
        # Also for Markdown: macros then return Markup, which `finalize` does not escape a second time.
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=_CompiledTemplates(form),
    )
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
