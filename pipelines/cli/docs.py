"""Generates documents from the program: `python -m pipelines.cli.docs`; with `--check`, compares them only.

`models/README.md`, `models/FINDINGS.md` and `docs/commands.md` are generated completely. In the other documents, the
sections between two marks are generated, and people write the rest.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import Final

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from extractors.reading.registry import PHASES, sources
from extractors.reading.rules import INVENTORY_ONLY, WITHHELD, Rule
from models.errors import ConfigurationError, ExitCode
from models.finding import Kind
from models.findings import CONCERNS, all_kinds
from models.reject import REJECT_SENTENCES
from pipelines.alerts.alert import AlertRule
from pipelines.cli.app import app
from pipelines.cli.example import example
from pipelines.cli.loader import Deferred
from pipelines.cli.rooms import rooms
from pipelines.disk.settings import Settings
from pipelines.warehouse.dictionary import GROUPS, as_markdown, dictionary, with_view_columns

ROOT: Final = Path(__file__).resolve().parents[2]
_COLUMNS: Final = 80


@dataclass(frozen=True, slots=True)
class DocSection:
    """A generated section of a document, between its marks; the whole document if `name` is empty."""

    path: str
    name: str
    make: Callable[[], str]


def tables() -> str:
    """Return the reference of tables, views and reject codes."""
    entries = with_view_columns(dictionary())
    intro = (
        "`python -m pipelines.cli.docs` generates this file from the declarations; `extract tables` "
        "prints the same.\n\n"
        "Every table of a source ends with the address of its row: `home_id`, `run_id`, `file_id`, `byte_offset`, "
        "`byte_length`. Times are UTC."
    )
    parts = ["# models: tables, views and reject codes\n", f"{intro}\n"]
    for group, title in GROUPS.items():
        chosen = [entry for entry in entries if entry.group == group]
        names = ", ".join(f"[`{entry.name}`](#{entry.name})" for entry in chosen)
        parts += [f"## {title}\n\n{names}\n", *(as_markdown(entry) for entry in chosen)]
    codes = "\n".join(f"| `{code}` | {sentence} |" for code, sentence in REJECT_SENTENCES.items())
    parts.append(f"## Why an entry is rejected\n\n| code | meaning |\n|---|---|\n{codes}\n")
    return "\n".join(parts)


def commands() -> str:
    """Return the reference of the command line: the help text of each command."""
    intro = (
        "`python -m pipelines.cli.docs` generates this file; `extract COMMAND --help` prints the same. "
        "`claude-extract` is the same program."
    )
    return "\n".join(["# The commands\n", f"{intro}\n", *(_help(words) for words in all_commands())])


def all_commands() -> list[tuple[str, ...]]:
    """Return the words of every command: () for the program itself, then ("run",), ("home", "add"), and so on."""
    return list(_words(typer.main.get_command(app), ()))


def _words(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command, then those of its subcommands."""
    yield words
    if isinstance(command, Deferred):
        command = command.load()
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from _words(below, (*words, name))


def _help(words: Sequence[str]) -> str:
    shown = CliRunner().invoke(
        app, [*words, "--help"], prog_name="extract", env={"COLUMNS": str(_COLUMNS)}, terminal_width=_COLUMNS
    )
    return f"## `{' '.join(('extract', *words))}`\n\n```text\n{shown.output.strip()}\n```\n"


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = "\n".join(f"| {code:d} | {code.sentence} |" for code in ExitCode)
    return f"| code | meaning |\n|---|---|\n{rows}\n"


def alerts() -> str:
    """Return the table of the rules of alerts with the settings that limit them."""
    rows = [
        _row(f"`{rule}`", rule.sentence, ", ".join(f"`{name}` {getattr(Settings(), name)}" for name in rule.settings))
        for rule in AlertRule
    ]
    return "\n".join([_row("rule", "when", "limits and their defaults"), "|---|---|---|", *rows]) + "\n"


def settings() -> str:
    """Return the table of settings with their defaults."""
    found = re.findall(r"^ *(`\w+`(?:, `\w+`)*): (.+?)(?=\n *`|\Z)", Settings.__doc__ or "", re.DOTALL | re.MULTILINE)
    sentences = {name: _sentence(text) for names, text in found for name in re.findall(r"`(\w+)`", names)}
    rows = []
    for field in fields(Settings):
        default = "" if field.default is MISSING else _toml(field.default)
        rows.append(f"| `{field.name}` | `{default}` | {sentences[field.name]} |")
    return "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return words[:1].upper() + words[1:]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "[]" if value == () else str(value)


def source_list() -> str:
    """Return the table of sources: phase, paths, tables."""
    rows = []
    for source in sources().values():
        paths = "<br>".join(dict.fromkeys(f"`{shape.pattern}`" for shape in source.shapes))
        filled = ", ".join(f"`{table.name}`" for table in source.tables)
        rows.append(f"| {source.phase} {PHASES[source.phase]} | `{source.name}` | {paths} | {filled} |")
    return "| phase | source | paths | tables |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def phases() -> str:
    """Return the table of phases: number, name, and the paths of a home that it reads."""
    rows = []
    for number, name in PHASES.items():
        shapes = [shape for one in sources().values() if one.phase == number for shape in one.shapes]
        paths = list(dict.fromkeys(shape.pattern.split("/")[0] for shape in shapes))
        shown = [f"`{path}`" for path in paths if "{" not in path]
        shown += ["everything else"] if len(shown) < len(paths) else []
        rows.append(f"| {number} | `{name}` | {', '.join(shown)} |")
    return "| number | name | in the home |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def rules() -> str:
    """Return the table of the rules by which paths are never opened, or only listed."""

    def row(rule: Rule, how: str) -> str:
        pattern = rule.shown.replace("|", "\\|")
        return f"| `{rule.name}` | {how} | {rule.why} | `{pattern}` |"

    rows = [*(row(rule, "never opened") for rule in WITHHELD), *(row(rule, "only listed") for rule in INVENTORY_ONLY)]
    return "| rule | how | why | paths |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def findings() -> str:
    """Return the list of all findings of `extract verify`, `restore`, `drill` and `copy`, by concern."""
    intro = (
        "`python -m pipelines.cli.docs` generates this file from the declarations. A code never changes its meaning. "
        "For each finding of `extract verify`, a test damages an archive and checks that the finding is reported. The "
        "level is the lowest one of `extract verify` that looks for the finding (quick, default, deep: each includes "
        "the one before; source is separate), or the command that reports it: restore, drill or copy. With an error or "
        "a warning the exit code is not 0; with a fixity finding (archived bytes are damaged or missing) it is 3."
    )
    parts = ["# Findings of `extract verify`, `restore`, `drill` and `copy`\n", f"{intro}\n"]
    for letter, kinds in groupby(all_kinds(), lambda kind: kind.code[0]):
        rows = "\n".join(_finding_row(kind) for kind in kinds)
        head = "| code | severity | level | finding | what to do |\n|---|---|---|---|---|"
        parts.append(f"## {CONCERNS[letter]}\n\n{head}\n{rows}\n")
    return "\n".join(parts)


def _finding_row(kind: Kind) -> str:
    severity = f"{kind.severity}, fixity" if kind.is_fixity else str(kind.severity)
    return _row(kind.code, severity, str(kind.level), kind.sentence, kind.what_to_do)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


SECTIONS: Final = (
    DocSection("models/README.md", "", tables),
    DocSection("models/FINDINGS.md", "", findings),
    DocSection("CONTRIBUTING.md", "rooms", lambda: rooms(ROOT)),
    DocSection("README.md", "example", example),
    DocSection("docs/commands.md", "", commands),
    DocSection("docs/exit-codes.md", "exit codes", exit_codes),
    DocSection("docs/alerts.md", "alerts", alerts),
    DocSection("docs/phases.md", "phases", phases),
    DocSection("docs/settings.md", "settings", settings),
    DocSection("extractors/README.md", "sources", source_list),
    DocSection("extractors/README.md", "rules", rules),
)
"""All generated sections."""


def rendered(root: Path, sections: Sequence[DocSection] = SECTIONS) -> dict[Path, str]:
    """Return each document with its generated sections up to date and everything else unchanged.

    Raises ConfigurationError if a document has only one of the two marks of a section.
    """
    made: dict[Path, str] = {}
    for section in sections:
        path = root / section.path
        before = made.get(path) or (path.read_text(encoding="utf-8") if path.exists() else "")
        made[path] = _placed(before, section, section.make()) if section.name else section.make()
    return made


def _placed(text: str, section: DocSection, content: str) -> str:
    begin, end = f"<!-- made: {section.name} -->", f"<!-- end: {section.name} -->"
    block = f"{begin}\n\n{content}\n{end}"
    if begin in text and end in text.split(begin, 1)[1]:
        head, rest = text.split(begin, 1)
        return head + block + rest.split(end, 1)[1]
    if begin in text or end in text:
        raise ConfigurationError(f"{section.path} has only one of the marks {begin} and {end}")
    title = f"## {section.name.capitalize()}"
    return f"{text.rstrip()}\n\n{title}\n\n{block}\n".lstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the documents that are out of date and return 0; with --check write nothing, and return 1 if any is."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.cli.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only print the names of documents that are out of date")
    check = parser.parse_args(arguments).check
    stale = [
        (path, text)
        for path, text in rendered(ROOT).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
