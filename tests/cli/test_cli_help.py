"""The help of the command line, and the imports that it does without."""

from pathlib import Path

import pytest

from models.errors import ExitCode
from pipelines.cli.docs import all_commands
from pipelines.cli.docs import main as write_docs
from pipelines.cli.loader import COMMANDS as LISTED
from pipelines.cli.loader import Deferred, Listed
from pipelines.version import VERSION
from tests.command_line import call, start

COMMANDS = tuple(words for words in all_commands() if words)
ENGINES = ("duckdb", "polars", "pyarrow", "prefect", "numpy", "pandas", "rich", "multiprocessing")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("runn",)])
def test_the_list_of_commands_imports_no_engine(arguments: tuple[str, ...]) -> None:
    ran = start(*arguments, before=("-X", "importtime"))
    assert ran.code == (2 if arguments == ("runn",) else 0)
    imported = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    assert "pipelines.cli.loader" in imported
    assert {name.partition(".")[0] for name in imported}.isdisjoint(ENGINES)
    assert [name for name in imported if name.startswith("pipelines.cli.commands.")] == []


def test_no_help_of_a_flow_imports_prefect() -> None:
    for words in (words for words in COMMANDS if words[0] == "flow"):
        ran = start(*words, "--help", before=("-X", "importtime"))
        assert ran.code == 0
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.err.splitlines()}
        assert "pipelines" in imported
        assert "prefect" not in imported


@pytest.mark.parametrize("listed", LISTED, ids=[one.name for one in LISTED])
def test_the_list_says_of_a_command_what_its_own_help_begins_with(listed: Listed) -> None:
    command = Deferred(listed).load()
    assert command.get_short_help_str(limit=79) == listed.help
    assert command.help is not None
    assert command.help.startswith(listed.help)


def test_a_run_imports_nothing_large_that_it_does_not_use(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "history.jsonl").write_bytes(b'{"display":"hello","timestamp":1768724500000,"project":"/p"}\n')
    ran = start("run", "--home", str(home), "--data", str(tmp_path / "data"), before=("-X", "importtime"))
    assert ran.code == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.err.splitlines()}
    assert {"duckdb", "pyarrow"} <= imported
    assert imported.isdisjoint({"numpy", "polars", "prefect"})
    again = start("run", "--home", str(home), "--data", str(tmp_path / "data"), before=("-X", "importtime"))
    assert "nothing new" in again.out
    names = {line.rpartition("|")[2].strip() for line in again.err.splitlines()}
    assert "pyarrow" in names
    assert names.isdisjoint({"duckdb", "rich.console", "pyarrow.compute", "numpy"})


def test_help_lists_every_command_and_every_exit_code() -> None:
    printed = call("--help")
    assert printed.code == 0
    for name in {words[0] for words in COMMANDS}:
        assert any(line.startswith(f"  {name} ") for line in printed.lines)
    for code in ExitCode:
        assert any(line.split(maxsplit=1) == [f"{code:d}", code.sentence] for line in printed.lines), code


@pytest.mark.parametrize("words", [(), *COMMANDS])
def test_no_help_is_wider_than_eighty_columns_or_cut(words: tuple[str, ...]) -> None:
    printed = call(*words, "--help")
    assert printed.code == 0
    assert max(map(len, printed.lines)) <= 80
    assert "..." not in printed.out.replace("[ARGS]...", "").replace("}...", "}")


def test_the_version_is_printed() -> None:
    assert call("--version").out == f"extract {VERSION}\n"


@pytest.mark.parametrize(
    "arguments",
    [("runn",), ("run", "--hom", "x"), ("sql",), ("sql", "a", "b"), ("run", "--full=x"), ("sql", "a", "--x")],
)
def test_wrong_arguments_end_with_two_and_a_hint(arguments: tuple[str, ...]) -> None:
    ran = call(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err


def test_the_documents_made_from_the_program_are_current() -> None:
    assert write_docs(["--check"]) == 0, "python -m pipelines.cli.docs writes them"


def test_the_module_is_the_same_command() -> None:
    assert start("--version").out == f"extract {VERSION}\n"
