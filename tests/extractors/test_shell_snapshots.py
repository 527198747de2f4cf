"""Shell snapshots: the fields of their names, and the definitions in their text."""

import shlex
from base64 import encodebytes
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Entry
from extractors.reading.registry import Classifier, sources
from extractors.shell_snapshots import SHELL_DEFINITIONS, parse, read_definitions
from models.schema import Row, Value, table_of

Cells = dict[str, Value]

SIGNS = ["'", '"', "$(", "\n", "x", "\r", " ", "\0", "=", "\ufffd", "eval "]
STARTS = ["# Aliases\n", "alias -- a=", "a () {\n", "a () \n{ \n", "function a {\n", "}\n", "setopt a\n", "export A=1"]
PIECES = st.sampled_from([*SIGNS, *STARTS, "eval \"$(echo 'eA==' | base64 -d)\"\n", "set -o b\n"])
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def defined(text: str) -> list[tuple[str, str, str | None]]:
    return [(d.kind, d.name, d.value) for d in read_definitions(text)]


def encoded(function: str) -> str:
    return f"eval \"$(echo '{encodebytes(function.encode()).decode().rstrip()}' | base64 -d)\" > /dev/null 2>&1\n"


def parsed(data: bytes, **names: str) -> tuple[Cells, list[Cells]]:
    """Return the row of a snapshot and those of its definitions."""
    made = list(parse(Entry({"shell": "zsh", "suffix": "a1b2c3"} | names, data)))
    *definitions, snapshot = [dict(zip((c.name for c in table_of(row).columns), row, strict=True)) for row in made]
    return snapshot, definitions


@given(st.lists(PIECES).map("".join))
def test_no_text_is_refused_and_every_definition_is_on_one_of_its_lines(text: str) -> None:
    snapshot, definitions = parsed(text.encode())
    numbers = [d["line_number"] for d in definitions]
    assert numbers == sorted(numbers)  # type: ignore[type-var]
    assert all(isinstance(number, int) and 1 <= number <= text.count("\n") + 1 for number in numbers)
    counts = [snapshot[f"{kind}_count"] for kind in ("alias", "function", "option", "export")]
    assert sum(count for count in counts if isinstance(count, int)) == len(definitions)
    assert snapshot["content_text"] == text


@given(st.lists(st.tuples(NAMES, TEXTS)), st.lists(st.tuples(NAMES, TEXTS)))
def test_what_was_written_is_read_back(aliases: list[tuple[str, str]], functions: list[tuple[str, str]]) -> None:
    bodies = [(name, f"{name} () \n{{ \n    echo {shlex.quote(body)}\n}}") for name, body in functions]
    text = "# Functions\n" + "".join(encoded(f"{body}\n") for _, body in bodies)
    text += "# Aliases\n" + "".join(f"alias -- {name}={shlex.quote(value)}\n" for name, value in aliases)
    assert defined(text) == [("function", *body) for body in bodies] + [("alias", *alias) for alias in aliases]


def test_a_listed_function_ends_where_the_next_begins_whatever_its_text_holds() -> None:
    first = "a () {\n\tcat <<E\n}\nnot the end\n# Comment\nE\n}"
    second = "/usr/local/b-2 () {\n\tawk '\n}\n'\n\tc () {\n\t\t:\n\t}\n}"
    text = f"# Functions\n{first}\n{second}\n# Shell Options\nsetopt login\n"
    assert defined(text) == [
        ("function", "a", first),
        ("function", "/usr/local/b-2", second),
        ("option", "login", "on"),
    ]


def test_a_function_that_does_not_end_is_none_and_hides_nothing() -> None:
    assert defined("# Functions\na () {\n\techo\n# Shell Options\nsetopt login\n") == [("option", "login", "on")]


def test_a_function_of_claude_code_ends_at_the_first_brace() -> None:
    body = 'function rg {\n  local b="${X:-}"\n  (exec -a rg "$b" "$@")\n}'
    assert defined(f"if ! true; then\n  {body}\nfi\nexport A=1\n") == [("function", "rg", body), ("export", "A", "1")]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("alias -- -='cd -'", ("alias", "-", "cd -")),
        ("alias -- ...=../..", ("alias", "...", "../..")),
        ("alias ll='ls -l'", ("alias", "ll", "ls -l")),
        ("  alias rg=''\\''C:\\x\\rg.exe'\\'''", ("alias", "rg", "'C:\\x\\rg.exe'")),
        ("alias -- 'a b'=c", ("alias", "a b", "c")),
        ("alias -- G='| grep'", ("alias", "G", "| grep")),
        ("setopt nohashdirs", ("option", "nohashdirs", "on")),
        ("unsetopt autocd", ("option", "autocd", "off")),
        ("shopt -s checkwinsize", ("option", "checkwinsize", "on")),
        ("shopt -u autocd\r", ("option", "autocd", "off")),
        ("set -o interactive-comments", ("option", "interactive-comments", "on")),
        ("set +o posix", ("option", "posix", "off")),
        (r"export PATH=/usr/bin\:/bin", ("export", "PATH", "/usr/bin:/bin")),
    ],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_definition_of_one_line(line: str, found: tuple[str, str, str], end: str) -> None:
    assert defined(line + end) == [found]


@pytest.mark.parametrize(
    "line",
    [
        "unalias -a 2>/dev/null || true",
        "alias -- without",
        "alias -- open='never closed",
        "eval \"$(echo 'not base64!' | base64 -d)\"",
        "eval \"$(echo 'A' | base64 -d)\"",
        "eval \"$(echo 'eA==' | base64 -d)\"",
        "rm -rf /",
        "# alias a=b",
    ],
)
def test_what_is_not_recognised_gives_nothing_and_hides_nothing(line: str) -> None:
    assert defined(f"{line}\nsetopt login\n") == [("option", "login", "on")]


def test_an_alias_of_many_lines_is_one() -> None:
    assert defined("alias -- a='one\nalias -- two'\nalias -- b=c\n") == [
        ("alias", "a", "one\nalias -- two"),
        ("alias", "b", "c"),
    ]


def test_a_definition_has_its_section_its_line_and_how_it_was_parsed() -> None:
    snapshot, definitions = parsed(
        f"# Snapshot file\n{encoded('a () { :; }' + ' ' * 80)}# Aliases\nalias -- b=$HOME\n".encode()
    )
    keys = ("name", "section", "line_number", "was_encoded", "has_expansion", "was_repaired")
    assert [tuple(d[key] for key in keys) for d in definitions] == [
        ("a", "Snapshot file", 2, True, False, False),
        ("b", "Aliases", 5, False, True, False),
    ]
    assert snapshot["line_count"] == 5


def test_a_snapshot_that_is_not_utf8_keeps_its_bytes_and_flags_what_it_defines() -> None:
    snapshot, (first, second) = parsed(b"alias -- a='caf\xe9'\nalias -- b=c\n")
    assert (snapshot["content_text"], snapshot["content_bytes"]) == (None, b"alias -- a='caf\xe9'\nalias -- b=c\n")
    assert (first["value"], first["was_repaired"], second["was_repaired"]) == ("caf\ufffd", True, False)


def test_an_encoded_function_that_is_not_utf8_is_flagged() -> None:
    text = "eval \"$(echo 'YSAoKSB7IGVjaG8gY2Fm6TsgfQo=' | base64 -d)\"\n"
    _, (definition,) = parsed(text.encode())
    assert (definition["value"], definition["was_repaired"]) == ("a () { echo caf\ufffd; }", True)


@pytest.mark.parametrize(
    ("name", "shell", "created_at", "suffix"),
    [
        ("snapshot-zsh-1769186786892-a1b2c3.sh", "zsh", datetime(2026, 1, 23, 16, 46, 26, 892000, UTC), "a1b2c3"),
        ("snapshot-bash-1769186786892-a1 (2).sh", "bash", datetime(2026, 1, 23, 16, 46, 26, 892000, UTC), "a1 (2)"),
        ("snapshot-zsh-0f9e8d7c.sh", "zsh", None, "0f9e8d7c"),
        ("snapshot-zsh-12345678.sh", "zsh", None, "12345678"),
        ("snapshot-zsh-9999999999999999-a1b2c3.sh", "zsh", None, "a1b2c3"),
    ],
)
def test_the_name_tells_shell_time_and_suffix(name: str, shell: str, created_at: datetime | None, suffix: str) -> None:
    place = Classifier().place(f"shell-snapshots/{name}", "file")
    assert place.source == "shell-snapshots"
    shape = sources()[place.source].shapes[place.shape]
    made: list[Row] = list(shape.parse(Entry(shape.names_in(f"shell-snapshots/{name}"), b"")))
    assert len(made) == 1
    assert table_of(made[0]) is not SHELL_DEFINITIONS
    assert made[0][:3] == (shell, created_at, suffix)


@pytest.mark.parametrize("name", ["snapshot.sh", "snapshot-bash-1.txt", "sub/snapshot-bash-1-a.sh"])
def test_another_file_among_snapshots_is_left_to_other(name: str) -> None:
    assert Classifier().place(f"shell-snapshots/{name}", "file").source == "other"
