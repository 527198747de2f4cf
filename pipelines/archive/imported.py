"""The Parquet files that `extract import-store` made of another store."""

from pathlib import Path

from models.errors import FixityError
from models.schema import TEXT, Column, Table
from pipelines.disk.atomic import sha256_of
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
    """Return the Parquet files of what was read in, in order of their names."""
    return sorted(layout.imported.glob("*.parquet"))


def verified_imports(layout: Layout) -> list[Path]:
    """Return the same. Raises FixityError when one is not what its name says."""
    for path in imported_files(layout):
        if sha256_of(path) != path.stem:
            raise FixityError(
                f"{layout.relative(path)} is not what it was when it was read in; delete it, read it in again"
            )
    return imported_files(layout)
