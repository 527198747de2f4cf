"""Reads in an existing store of the same rule (SHA-256 of the exact text), so that what it holds counts as seen."""

from collections.abc import Iterator
from pathlib import Path

from models.schema import TEXT, Column, Table
from pipelines.layout import Layout

IMPORTED = Table(
    "imported_messages",
    "Messages that a store read in by `extract import-store` knew.",
    (
        Column("message_id", TEXT, "SHA-256 of the exact text in UTF-8, in hex.", required=True, is_distinct=True),
        Column("text", TEXT, "The text, where the store had it.", is_distinct=True),
    ),
    has_provenance=False,
)


def imported_files(layout: Layout) -> Iterator[Path]:
    """Yield the Parquet files of what was read in."""
    yield from sorted((layout.store / "imported").glob("*.parquet"))
