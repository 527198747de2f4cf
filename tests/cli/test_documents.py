"""The documents that people write: the commands in them exist, and so do the files that they link to."""

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from models.errors import ConfigurationError
from pipelines.cli.docs import all_commands
from pipelines.cli.rooms import rooms
from tests.command_line import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "data/README.md"]
COMMANDS = set(all_commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_that_a_document_shows_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(extract [^`]+)`", text)
    for line in lines:
        if line.startswith("extract "):
            words = shlex.split(line, comments=True)[1:]
            while words[0].startswith("--"):
                words = words[2:]
            assert (words[0],) in COMMANDS or words[0] == "COMMAND", line
            group = {one[1] for one in COMMANDS if len(one) == 2 and one[0] == words[0]}
            assert not group or len(words) == 1 or words[1] in group, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_a_document_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / unquote(target)).exists(), target


@pytest.mark.parametrize("page", [*PAGES, ROOT / "tests/README.md"], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_module_that_a_document_names_is_there(page: Path) -> None:
    named = re.findall(r"`([a-z_]+/[A-Za-z0-9_/.-]+\.(?:py|sql|ipynb))`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not any((root / name).exists() for root in (ROOT, page.parent))] == []


def test_the_map_has_every_room(tmp_path: Path) -> None:
    made = rooms(ROOT)
    found = [path.parent.name for path in (ROOT / "pipelines").glob("*/__init__.py")]
    assert len(found) > 10
    for room in found:
        assert len(re.findall(rf"^\| \d+ \| `{room}/` \| .{{30,}} \|$", made, re.MULTILINE)) == 1, room
    assert made.index("`cli/`") < made.index("`run/`") < made.index("`disk/`")


def test_a_room_without_a_docstring_is_refused(tmp_path: Path) -> None:
    contracts = [
        f"[[tool.importlinter.contracts]]\ntype = 'layers'\ncontainers = ['{name}']\nlayers = ['room']"
        for name in ("pipelines", "extractors")
    ]
    (tmp_path / "pyproject.toml").write_text("\n".join(contracts), encoding="utf-8")
    for name in ("pipelines", "pipelines/room", "extractors", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""Its content."""\n', encoding="utf-8")
    assert "| 1 | `room/` | Its content. |" in rooms(tmp_path)
    (tmp_path / "pipelines" / "room" / "__init__.py").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="has no docstring"):
        rooms(tmp_path)


@pytest.mark.parametrize("name", ["run", "sessions", "sql"])
def test_a_picture_asks_for_nothing_of_another_machine(name: str) -> None:
    picture = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert f"extract&#160;{name}" in picture
    assert re.findall(r"url\((?!#)|(?:src|href)=|@import|/tmp/", picture) == []
