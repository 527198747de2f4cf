"""Writes the verification report of a run: report.json has its facts, report.md and report.html show them.

The facts come from the commit records and from the Parquet of the run; the warehouse is not needed. Each file of
it has a seal (`models.seal`).
"""

from collections.abc import Sequence

import orjson

from models.run import RunRecord
from pipelines.archive.evidence import write_evidence
from pipelines.disk.layout import Layout
from pipelines.report.build import document_of
from pipelines.report.collect import collect
from pipelines.report.facts import Facts
from pipelines.report.render import html_of, markdown_of, summary_of

__all__ = ["Facts", "collect_facts", "summary_markdown", "write_reports"]


def write_reports(layout: Layout, run: RunRecord, earlier: Sequence[RunRecord] | None = None) -> Facts:
    """Write report.json, report.md and report.html atomically into the run's directory, and return their facts.
    `earlier` are the runs in effect before it; without them, they are read.

    Raises FixityError or StoreError for a commit record that cannot be read, DataDirectoryError if writing fails.
    Damaged Parquet files of the run raise nothing: the report lists them.
    """
    facts = collect(layout, run, earlier)
    document = document_of(facts)
    forms: dict[str, bytes] = {
        "json": orjson.dumps(facts.to_json(), option=orjson.OPT_INDENT_2),
        "md": markdown_of(document).encode(),
        "html": html_of(document).encode(),
    }
    write_evidence(layout, {layout.report(run.run_id, form): content for form, content in forms.items()}, "report")
    return facts


def collect_facts(layout: Layout, run: RunRecord) -> Facts:
    """Return the facts of a run. Raises FixityError or StoreError for a commit record that cannot be read."""
    return collect(layout, run)


def summary_markdown(facts: Facts) -> str:
    """Return a run in a few lines of Markdown: headline, claim, figures."""
    return summary_of(facts)
