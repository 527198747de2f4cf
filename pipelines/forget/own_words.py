"""The words that the program itself writes into files below the data directory.

Erasing one of them is refused: the search after the erasure would always find it.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import models.findings
import models.run
import pipelines.report
from models.errors import ConfigurationError
from pipelines.archive.committed import known_tables
from pipelines.forget.matcher import Matcher


def refuse_own_words(matcher: Matcher, homes: Iterable[str]) -> None:
    """Raise ConfigurationError when the content to erase occurs in a home_id, in the name or description of a table or
    column, or in the sentences of reports and findings.
    """
    word = next((word for word in (*homes, *own_words()) if matcher.holds(word.encode())), None)
    if word is not None:
        raise ConfigurationError(
            f"the program itself writes this text, in {word!r}, so it cannot be erased: name a longer text"
        )


@cache
def own_words() -> tuple[str, ...]:
    """Return the names and sentences that the program writes into Parquet files, commit records, reports, findings."""
    found: dict[str, None] = {}
    for table in known_tables().values():
        found |= dict.fromkeys((table.name, table.comment))
        found |= dict.fromkeys(text for column in table.all_columns for text in (column.name, column.comment))
    for path in (Path(models.run.__file__), *_modules(models.findings.__path__), *_modules(pipelines.report.__path__)):
        found |= dict.fromkeys(_written(ast.parse(path.read_bytes())))
    for path in _templates(pipelines.report.__path__):
        found |= dict.fromkeys(filter(None, path.read_text(encoding="utf-8").splitlines()))
    return tuple(found)


def _modules(directories: "list[str]") -> Iterator[Path]:
    for directory in directories:
        yield from sorted(Path(directory).glob("*.py"))


def _templates(directories: "list[str]") -> Iterator[Path]:
    for directory in directories:
        yield from sorted(path for path in (Path(directory) / "templates").iterdir() if path.is_file())


def _written(module: ast.Module) -> Iterator[str]:
    """Yield the string constants of a module except docstrings, and the names of its annotated fields."""
    docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
