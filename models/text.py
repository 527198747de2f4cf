"""Makes untrusted text safe to print: paths of a home, and text from a transcript.

A terminal executes escape sequences, and characters that are invisible or change the direction of writing mislead a
reader. The functions escape such characters: ``\\xNN`` is a byte (or an ASCII control character), ``\\uNNNN`` and
``\\UNNNNNNNN`` are other characters.
"""

import re
from typing import Final

# Controls (C0, DEL, C1), surrogates, line and paragraph separators, interlinear annotation, and all that Unicode calls
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt: zero-width, bidi, tags, fillers, variation selectors).
# U+FE0E and U+FE0F are allowed: they only choose between text and emoji presentation, and many emoji contain them.
_LATER: Final = (
    "\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HOSTILE: Final = f"\x00-\x1f{_LATER}"
_IN_ONE_LINE: Final = re.compile(f"[{_HOSTILE}]")
# Without a lookahead, which would make a search take several times as long.
_IN_LINES: Final = re.compile(f"[\x00-\x08\x0b-\x1f{_LATER}]")
_IN_PATH: Final = re.compile(rf"[\\{_HOSTILE}]")
_ESCAPE_IN_PATH: Final = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5}|U0010[0-9a-f]{4})")


def safe(text: str, *, keep_newlines: bool = False) -> str:
    r"""Return untrusted ``text`` with control and invisible characters escaped, so that a terminal only displays it.

    With ``keep_newlines``, ``\n`` and ``\t`` are kept; a carriage return never is, because it overwrites the line. The
    result can be encoded as UTF-8, and ``safe`` does not change it again. It does not escape Rich markup, HTML, SQL or
    spreadsheet formulas: text for Rich must also be a ``Text`` or be printed with ``markup=False``.
    """
    return (_IN_LINES if keep_newlines else _IN_ONE_LINE).sub(_escape, text)


def printable_path(path: bytes) -> str:
    r"""Return a path's raw bytes as printable text: one line without control characters.

    Bytes that are not UTF-8 become ``\xNN`` and a backslash is doubled, so two paths never have the same form. It is
    for printing only: files are opened by their bytes.
    """
    try:
        return _IN_PATH.sub(_escape, path.decode())
    except UnicodeDecodeError:
        # Surrogates mark the bytes that are not UTF-8; strict decoding never yields one of its own.
        return _IN_PATH.sub(_escape_byte_or_character, path.decode("utf-8", "surrogateescape"))


def raw_path(printable: str) -> bytes:
    r"""Return the bytes of the path with the printable form ``printable``: the inverse of ``printable_path``.

    A backslash that does not begin an escape of that form is a backslash.
    """
    return _ESCAPE_IN_PATH.sub(_unescape, printable).encode("utf-8", "surrogateescape")


def safe_json(text: str) -> str:
    r"""Return JSON ``text`` of the same meaning without characters that a terminal would execute.

    In valid JSON such characters occur only in strings, where they become ``\uNNNN``.
    """
    return _IN_LINES.sub(_escape_in_json, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\\":
        return "\\\\"
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_byte_or_character(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else _escape(match)


def _unescape(match: re.Match[str]) -> str:
    escape = match[0]
    if escape == "\\\\":
        return "\\"
    kind, digits = escape[1], escape[2:]
    code = int(digits, 16)
    if kind == "x" and code >= 0x80:
        return chr(0xDC00 + code)
    return escape if 0xD800 <= code <= 0xDFFF else chr(code)  # a printable path never has an escaped surrogate


def _escape_in_json(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
