"""Reads words and exports of shell scripts (sh, bash, zsh) as text. It runs nothing and expands nothing.

Output of shells themselves (`alias`, `export -p`, `printf %q`) is read as a shell would read it. In scripts that people
write, expansions are left unexpanded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_WORD: Final = 1 << 18
"""Maximum characters of a word. A longer one has an open quote; Linux passes at most half as many to a program."""

_MOST_FAILURES: Final = 100
"""After this many statements with an open quote the rest of a text is skipped, so that no text takes long."""

_PLAIN: Final = re.compile(r"[^\s'\"\\$`;&|()<>=]+")
_SINGLE: Final = re.compile(r"'([^']*+)'")
_ANSI: Final = re.compile(r"\$'((?:[^'\\]|\\.)*+)'", re.DOTALL)
_DOUBLE_PLAIN: Final = re.compile(r'[^"\\$`]+')
_EXPANSION: Final = re.compile(
    r"""
    \$\( (?: [^()'"\\] | \\. | '[^']*+' | "(?:[^"\\]|\\.)*+"
        | \( (?: [^()'"\\] | \\. | '[^']*+' | "(?:[^"\\]|\\.)*+" )*+ \) )*+ \)
    | \$\{ (?: [^{}'"\\] | \\. | '[^']*+' | "(?:[^"\\]|\\.)*+" | \{[^{}]*+\} )*+ \}
    | ` (?: [^`\\] | \\. )*+ `
    | \$ (?: \w+ | [@*\#?$!-] )
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE: Final = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(.)|M-(\\?.)|C-(.)|(.))",
    re.DOTALL,
)
_NAMED_ESCAPES: Final = dict(zip(b"abeEfnrtv", b"\a\b\x1b\x1b\f\n\r\t\v", strict=True))

_EXPORT: Final = re.compile(r"(?:export|(?:declare|typeset)[ \t]+-[A-Za-z]*x[A-Za-z]*)(?=[ \t])")
_BLANKS: Final = re.compile(r"(?:[ \t]|\\\n)*")
_OPTION: Final = re.compile(r"-[A-Za-z-]*(?=\s|\Z)")
_NAME: Final = re.compile(r"([A-Za-z_]\w*+)(\+?=(?!\()|(?=[\s;&|]|\Z))", re.ASCII)
_NEXT: Final = re.compile(r"[ \t]*(?:;|&&)[ \t]*")


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes, its end, and whether the shell would expand a part of it."""

    text: str
    end: int
    has_expansion: bool


@dataclass(frozen=True, slots=True)
class Export:
    """An exported variable. `value` is None if only the name is exported; `start` is the offset of the name."""

    name: str
    value: str | None
    has_expansion: bool
    start: int


def read_word(text: str, start: int, *, stops_at_equals: bool = False) -> Word | None:
    """Return the word that begins at `start`, None if a quote is not closed. A word can be empty.

    With `stops_at_equals` it ends before the first unquoted `=`.
    """
    limit = min(len(text), start + LONGEST_WORD)
    parts: list[str] = []
    has_expansion = False
    position = start
    while position < limit:
        plain = _PLAIN.match(text, position, limit)
        if plain is not None:
            parts.append(plain[0])
            position = plain.end()
            continue
        character = text[position]
        if character == "=" and not stops_at_equals:
            parts.append("=")
            position += 1
        elif character in "'\"\\$`":
            piece = _read_piece(text, position, limit)
            if piece is None:
                return None
            parts.append(piece.text)
            position = piece.end
            has_expansion |= piece.has_expansion
        else:
            break
    return Word("".join(parts), position, has_expansion) if position < limit or limit == len(text) else None


def _read_piece(text: str, position: int, limit: int) -> Word | None:
    """Return the quoted or expanded part of a word that begins at `position`."""
    character = text[position]
    if character == "'":
        match = _SINGLE.match(text, position, limit)
        return None if match is None else Word(match[1], match.end(), False)
    if character == '"':
        return _read_double(text, position + 1, limit)
    if character == "\\":
        escaped = text[position + 1 : position + 2]
        return Word("" if escaped == "\n" else escaped or "\\", position + 1 + len(escaped), False)
    match = _ANSI.match(text, position, limit)
    if match is not None:
        return Word(_unescape(match[1]), match.end(), False)
    match = _EXPANSION.match(text, position, limit)
    if match is not None:
        return Word(match[0], match.end(), True)
    following = text[position + 1 : position + 2]
    if following == '"' and character == "$":
        return _read_double(text, position + 2, limit)
    is_open = character == "`" or (following and following in "'({")
    return None if is_open else Word("$", position + 1, False)


def _read_double(text: str, position: int, limit: int) -> Word | None:
    """Return the text between double quotes; `position` is after the first quote."""
    parts: list[str] = []
    has_expansion = False
    while position < limit:
        plain = _DOUBLE_PLAIN.match(text, position, limit)
        if plain is not None:
            parts.append(plain[0])
            position = plain.end()
            continue
        character = text[position]
        if character == '"':
            return Word("".join(parts), position + 1, has_expansion)
        if character == "\\":
            escaped = text[position + 1 : position + 2]
            parts.append("" if escaped == "\n" else escaped if escaped and escaped in '$`"\\' else f"\\{escaped}")
            position += 1 + len(escaped)
            continue
        expansion = _EXPANSION.match(text, position, limit)
        parts.append(character if expansion is None else expansion[0])
        position = position + 1 if expansion is None else expansion.end()
        has_expansion |= expansion is not None
    return None


def _unescape(text: str) -> str:
    """Return the text between `$'` and `'` with its escapes resolved; bytes that are not UTF-8 become U+FFFD."""
    made = _ESCAPE.sub(_unescape_one, text.encode())
    return made.decode("utf-8", "replace")


def _unescape_one(match: re.Match[bytes]) -> bytes:
    octal, two, four, eight, control, meta, zsh_control, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if two is not None:
        return bytes([int(two, 16)])
    if four is not None or eight is not None:
        code = int(four or eight, 16)
        is_character = code < 0xD800 or 0xE000 <= code < 0x110000
        return (chr(code) if is_character else "\ufffd").encode()
    if meta is not None:
        return bytes([meta[-1] | 0x80])
    if control is not None or zsh_control is not None:
        return bytes([(control or zsh_control)[0] & 0x1F])
    named = _NAMED_ESCAPES.get(other[0])
    if named is not None:
        return bytes([named])
    return bytes(other) if other in b"\\'\"?" else b"\\" + bytes(other)


def read_exports(text: str, start: int) -> tuple[list[Export], int, bool]:
    """Return the exports of the statements that begin at `start`, the end of reading, and whether a quote is not
    closed.

    `start` is after the blanks of a line; statements joined by `;` and `&&` are read as long as they are exports.
    """
    found: list[Export] = []
    position = start
    while (command := _EXPORT.match(text, position)) is not None:
        position = command.end()
        is_export = True
        while True:
            position = _blanks_end(text, position)
            option = _OPTION.match(text, position)
            if option is not None:
                is_export &= "n" not in option[0] and "f" not in option[0]
                position = option.end()
                continue
            name = _NAME.match(text, position)
            if name is None:
                break
            word = read_word(text, name.end()) if name[2] else Word("", name.end(), False)
            if word is None:
                return found, position, True
            if is_export:
                has_expansion = word.has_expansion or name[2] == "+="
                found.append(Export(name[1], word.text if name[2] else None, has_expansion, name.start()))
            position = word.end
        joint = _NEXT.match(text, position)
        if joint is None:
            break
        position = joint.end()
    return found, position, False


def _blanks_end(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return position if match is None else match.end()


def all_exports(text: str) -> Iterator[Export]:
    """Yield the exports of a script's lines, in order, including lines inside quotes and here-documents."""
    position = 0
    failures = 0
    while position < len(text) and failures < _MOST_FAILURES:
        found, end, is_open = read_exports(text, _blanks_end(text, position))
        yield from found
        failures += is_open
        line_end = text.find("\n", end)
        position = len(text) if line_end < 0 else line_end + 1
