"""Text that Windows wrote in UTF-16, as `Out-File` of PowerShell 5.1 does with what it rewrites.

A file is cut into lines at the byte 0x0A, in the middle of the two bytes that UTF-16 has for a line end. So where the
low byte comes first, every line but the first begins with the zero that belongs to the line end before.
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
    """Return what a line of a file in UTF-16 says, None where it is no such text."""
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
