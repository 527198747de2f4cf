"""Loads extensions of DuckDB from packages (`duckdb-extension-ducklake`, `duckdb-extension-postgres-scanner`), without
a network and without writing into the user's home.
"""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from models.errors import ConfigurationError


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension. Raises ConfigurationError where its package is missing or is for another version of DuckDB."""
    package = f"duckdb-extension-{name.replace('_', '-')}"
    spec = find_spec(f"duckdb_extension_{name}")
    places = spec.submodule_search_locations if spec is not None else None
    if not places:
        raise ConfigurationError(
            f"this needs the package {package} for DuckDB {duckdb.__version__}: "
            f"pip install {package}=={duckdb.__version__}"
        )
    path = Path(places[0], "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
    if not path.is_file():
        raise ConfigurationError(
            f"the package {package} is not for DuckDB {duckdb.__version__}: install that version of it"
        )
    try:
        connection.execute(f"LOAD '{str(path).replace(chr(39), chr(39) * 2)}'")
    except duckdb.Error as error:
        raise ConfigurationError(f"DuckDB cannot load {path}: {str(error).splitlines()[0]}") from error
