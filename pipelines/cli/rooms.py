"""Generates the map of packages in CONTRIBUTING.md from the import contract and the packages' docstrings."""

import ast
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from models.errors import ConfigurationError

_TOP: Final = ("pipelines", "extractors", "models")


def rooms(root: Path) -> str:
    """Return the map of the checkout at `root` as Markdown: each layer of `pipelines` and of `extractors`, the highest
    first, with the docstrings of its packages.

    Raises ConfigurationError if a package has no docstring, or pyproject.toml has no contract for it.
    """
    floors = _floors(root)
    parts = []
    for package in _TOP:
        parts.append(f"### `{package}/`\n\n{_sentence(root / package)}\n")
        if package in floors:
            rows = "\n".join(_rows(root / package, floors[package]))
            parts.append(f"| floor | room | what belongs in it |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _floors(root: Path) -> dict[str, list[list[str]]]:
    """Return the layers that the contracts of import-linter declare, by package; each layer is a list of packages."""
    declared = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found = {}
    for contract in declared["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers" and "containers" in contract:
            (package,) = contract["containers"]
            found[package] = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    if missing := {"pipelines", "extractors"} - set(found):
        raise ConfigurationError(f"pyproject.toml declares no floors of {', '.join(sorted(missing))}")
    return found


def _rows(package: Path, floors: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table row for each package; the lowest layer has the number 1. Single modules in a layer get no row."""
    for number, floor in zip(range(len(floors), 0, -1), floors, strict=True):
        for room in floor:
            if (package / room).is_dir():
                yield f"| {number} | `{room}/` | {_sentence(package / room)} |"


def _sentence(package: Path) -> str:
    """Return a package's docstring on one line."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    if not text:
        raise ConfigurationError(f"{package / '__init__.py'} has no docstring on what belongs in the package")
    return " ".join(text.split()).replace("|", "\\|")
