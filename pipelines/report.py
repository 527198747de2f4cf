"""The verification report of a run: report.json holds its facts, report.md and report.html show them."""

import html

import orjson

from models.run import RunRecord
from pipelines.files import write_atomically
from pipelines.layout import Layout


def write_reports(layout: Layout, run: RunRecord) -> None:
    """Write report.json, report.md and report.html into the run's directory."""
    directory = layout.run(run.run_id)
    rows = [
        f"{phase.home_id} {phase.phase} {source}: {counts.files_read} files, {counts.entries} entries = "
        f"{counts.entries_with_rows} with rows + {counts.rejects} rejects"
        for phase in run.phases
        for source, counts in phase.sources.items()
    ]
    title = f"Run {run.run_id}"
    body = "".join(f"<li>{html.escape(row)}</li>" for row in rows)
    page = f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1><ul>{body}</ul>"
    write_atomically(directory / "report.json", orjson.dumps(run.to_json(), option=orjson.OPT_INDENT_2), "report")
    write_atomically(directory / "report.md", "\n".join([f"# {title}", "", *rows, ""]).encode(), "report")
    write_atomically(directory / "report.html", page.encode(), "report")
