"""The Parquet files that `extract import-store` made of another store."""

from pathlib import Path

from pipelines.disk.atomic import sha256_if_readable
from pipelines.disk.layout import Layout


def imported_files(layout: Layout) -> list[Path]:
    """Return the Parquet files of imported stores, sorted by name."""
    return layout.imported_parts()


def sound_imports(layout: Layout) -> list[Path]:
    """Return the imported files whose content matches the SHA-256 in their names."""
    return [path for path in imported_files(layout) if sha256_if_readable(path) == path.stem]
