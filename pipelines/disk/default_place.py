"""The default place of the data directory."""

import tomllib
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

DISTRIBUTION: Final = "claude-code-warehouse"
"""The name of the project in pyproject.toml, and of its directory among the user's data."""
IN_A_CHECKOUT: Final = "data"
"""The default data directory inside a checkout of this project; git ignores it."""


def checkout_of(place: Path) -> Path | None:
    """Return the checkout of this project that contains `place`, or None."""
    for directory in (place, *place.parents):
        declaration = directory / "pyproject.toml"
        try:
            name = tomllib.loads(declaration.read_text(encoding="utf-8"))["project"]["name"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if name == DISTRIBUTION:
            return directory
    return None


def default_data_directory() -> Path:
    """Return the data directory used when none is named: inside a checkout of this project its `data`, elsewhere the
    user's data directory, so that `extract` finds the same archive from any working directory.
    """
    checkout = checkout_of(Path.cwd())
    return checkout / IN_A_CHECKOUT if checkout else user_data_path(DISTRIBUTION, appauthor=False)
