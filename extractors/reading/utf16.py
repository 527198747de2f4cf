"""Decodes files that Windows programs rewrote in UTF-16, as `Out-File` of PowerShell 5.1 does.

A file is cut into lines after the byte 0x0A, which is one of the two bytes of a line end in UTF-16. So in little endian
every line except the first begins with the zero byte of the line end before it.
"""

from enum import StrEnum
from typing import Final


class Utf16(StrEnum):
    """The two byte orders, by the name of their codec."""

    LITTLE_ENDIAN = "utf-16-le"
    BIG_ENDIAN = "utf-16-be"


_MARKS: Final = {b"\xff\xfe": Utf16.LITTLE_ENDIAN, b"\xfe\xff": Utf16.BIG_ENDIAN}


def byte_order(head: bytes) -> Utf16 | None:
    """Return the byte order of a file that begins with these bytes, if it begins with a byte order mark of UTF-16."""
    return _MARKS.get(head[:2])


def decoded_document(data: bytes) -> str | None:
    """Return the text of a file that begins with a byte order mark of UTF-16; None of any other."""
    order = byte_order(data)
    return None if order is None else _decoded(data[2:], order)


def decoded_line(line: bytes, order: Utf16, *, at_file_start: bool) -> str | None:
    """Return the text of a line of a file in UTF-16, None if it cannot be decoded."""
    if at_file_start:
        line = line[2:]
    elif order is Utf16.LITTLE_ENDIAN:
        line = line.removeprefix(b"\0")
    if order is Utf16.LITTLE_ENDIAN and len(line) % 2:
        line = line.removesuffix(b"\n")
    return _decoded(line, order)


def _decoded(data: bytes, order: Utf16) -> str | None:
    try:
        return data.decode(order)
    except UnicodeDecodeError:
        return None
