"""The Parquet files that `extract import-store` made of another store."""

from pathlib import Path

from models.schema import TEXT, Column, Table
from pipelines.disk.atomic import sha256_if_readable
from pipelines.disk.layout import Layout

IMPORTED = Table(
    "imported_messages",
    "Messages that a store read in by `extract import-store` knew.",
    (
        Column("message_id", TEXT, "SHA-256 of the exact text in UTF-8, in hex.", required=True, is_distinct=True),
        Column("text", TEXT, "The text, where the store had it.", is_distinct=True),
    ),
    has_provenance=False,
)


def imported_files(layout: Layout) -> list[Path]:
    """Return the Parquet files of imported stores, sorted by name."""
    return layout.imported_parts()


def sound_imports(layout: Layout) -> list[Path]:
    """Return the imported files whose content matches the SHA-256 in their names."""
    return [path for path in imported_files(layout) if sha256_if_readable(path) == path.stem]
