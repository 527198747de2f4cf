"""Words and exports of shell scripts: read as bash reads them, without a shell."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.shell_words import LONGEST_WORD, all_exports, read_word

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
HOSTILE = st.lists(
    st.sampled_from(
        [
            "export A=",
            "export ",
            "declare -x ",
            "'",
            '"',
            "$'",
            "$(",
            "${",
            "`",
            "\\",
            ")",
            "}",
            "\n",
            ";",
            "=",
            "a",
            " ",
        ]
    )
).map("".join)


def exports(text: str) -> list[tuple[str, str | None]]:
    return [(export.name, export.value) for export in all_exports(text)]


@given(TEXTS)
def test_a_quoted_word_is_read_as_what_was_quoted(text: str) -> None:
    quoted = shlex.quote(text)
    word = read_word(f"{quoted} rest", 0)
    assert word is not None
    assert (word.text, word.end, word.has_expansion) == (text, len(quoted), False)


@given(TEXTS)
def test_a_word_in_double_quotes_is_read_as_what_was_quoted(text: str) -> None:
    quoted = '"' + "".join(f"\\{c}" if c in '\\"$`' else c for c in text) + '"'
    word = read_word(quoted, 0)
    assert word is not None
    assert (word.text, word.end, word.has_expansion) == (text, len(quoted), False)


@given(TEXTS)
def test_a_word_with_escapes_is_read_as_what_was_escaped(text: str) -> None:
    quoted = "$'" + "".join(f"\\x{byte:02x}" for byte in text.encode()) + "'"
    word = read_word(quoted, 0)
    assert word is not None
    assert (word.text, word.end) == (text, len(quoted))


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), TEXTS), max_size=5))
def test_what_was_exported_is_read_back(variables: list[tuple[str, str]]) -> None:
    script = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables)
    assert exports(script) == variables


@given(HOSTILE)
def test_no_text_is_refused_and_exports_come_in_order(text: str) -> None:
    starts = [export.start for export in all_exports(text)]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(text) for start in starts)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"/usr/bin\:/bin", "/usr/bin:/bin"),
        (r"''\''C:\x.exe'\'' --ripgrep'", r"'C:\x.exe' --ripgrep"),
        (r"'echo '\''done'\'", "echo 'done'"),
        (r"$'\n it\'s \x41\101é\e[0m'", "\n it's AAé\x1b[0m"),
        (r"$'\M-C\M-)'", "é"),
        (r"$'\udc80'", "\ufffd"),
        (r"$'\xff'", "\ufffd"),
        ('"a\\\nb"', "ab"),
        ('"C:\\Users"', "C:\\Users"),
        ("a=b", "a=b"),
        ("a;b", "a"),
        ("a&b", "a"),
        ("\\", "\\"),
        ("$", "$"),
        ("", ""),
    ],
)
def test_a_word_without_its_quotes(written: str, text: str) -> None:
    word = read_word(written, 0)
    assert word is not None
    assert (word.text, word.has_expansion) == (text, False)


@pytest.mark.parametrize(
    "written", ["$HOME/bin:$PATH", "${HOME:-a b}/bin", '$(cd "$(dirname x)" && pwd)', "`date +%s`", "$(a $(b 'c)') )x"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_an_expansion_is_unchanged_and_flagged(written: str, quote: str) -> None:
    word = read_word(f"{quote}{written}{quote} rest", 0)
    assert word is not None
    assert (word.text, word.end, word.has_expansion) == (written, len(written) + 2 * len(quote), True)


@pytest.mark.parametrize("written", ["'a", '"a', "a'b\nc", "$'a\\'", "$(a", "${a", "`a", "a" * (LONGEST_WORD + 1)])
def test_a_word_that_does_not_end_is_none(written: str) -> None:
    assert read_word(written, 0) is None


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("export A=1; export B='2' && export C=3\n", [("A", "1"), ("B", "2"), ("C", "3")]),
        ("export A=1 B C=\n", [("A", "1"), ("B", None), ("C", "")]),
        ('declare -x A="1"\ntypeset -gx B=2\ndeclare -r C=3\n', [("A", "1"), ("B", "2")]),
        ("  export A=1\r\nexport B=2\r\n", [("A", "1"), ("B", "2")]),
        ("export -n A=1\nexport -f f\nexport -- B=2\n", [("B", "2")]),
        ("# export A=1\nA=1\nexported=1\nexport\n", []),
        ('export A="one\nexport two=2"\nexport B=3\n', [("A", "one\nexport two=2"), ("B", "3")]),
        ("export A=(1 2)\nexport B=3", [("B", "3")]),
        ("export A='left open\nexport B=3", [("B", "3")]),
        ("export A=1\0\0\0\nexport B=2\n", [("A", "1\0\0\0"), ("B", "2")]),
    ],
)
def test_the_exports_of_a_script(script: str, found: list[tuple[str, str | None]]) -> None:
    assert exports(script) == found


def test_a_value_that_is_appended_is_no_whole_value() -> None:
    (export,) = all_exports("export PATH+=:/opt/bin")
    assert (export.value, export.has_expansion) == (":/opt/bin", True)
