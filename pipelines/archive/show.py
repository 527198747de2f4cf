"""Reads one entry from the store by its address, as the warehouse's macro `address` prints it."""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from models.errors import ConfigurationError
from models.identity import file_id as id_of
from models.text import raw_path, safe
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout

_SPAN: Final = re.compile(r"(?P<file>.+)@(?P<offset>\d{1,19})\+(?P<length>\d{1,19})", re.DOTALL)
_FILE_ID: Final = re.compile(r"-?\d{1,19}")
_GENERATION: Final = re.compile(r"(?P<path>.+)#(?P<generation>\d{1,9})", re.DOTALL)

_NOT_KEPT: Final = {"withhold": "it is never opened", "inventory": "it is only listed"}


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address: a file_id, or home_id and printable path (which may still end with `#generation`); and the
    span, None for the whole file.
    """

    file_id: int | None
    home_id: str
    path: str
    span: tuple[int, int] | None


def parse_address(text: str) -> Address:
    """Parse `HOME:PATH[#GENERATION][@OFFSET+LENGTH]` or `FILE_ID[@OFFSET+LENGTH]`. Raises ConfigurationError for
    another text.
    """
    match = _SPAN.fullmatch(text)
    file, span = (match["file"], (int(match["offset"]), int(match["length"]))) if match else (text, None)
    if _FILE_ID.fullmatch(file):
        return Address(int(file), "", "", span)
    home_id, colon, path = file.partition(":")
    if not colon or not home_id or not path:
        raise ConfigurationError(
            f"{text!r} is not an address. Use HOME:PATH[#GENERATION]@OFFSET+LENGTH or FILE_ID@OFFSET+LENGTH, as the "
            "macro address(file_id, byte_offset, byte_length) of the warehouse prints it"
        )
    return Address(None, home_id, path, span)


def entry_bytes(layout: Layout, text: str, as_of: str | None = None) -> Iterator[bytes]:
    """Yield the verified bytes at an address as of a run; without a span, those of the whole file.

    Raises ConfigurationError when the archive has no such file or span, FixityError and StoreError as
    `StoreReader.read_range`.
    """
    address = parse_address(text)
    reader = StoreReader.open(layout)
    file_id = address.file_id if address.file_id is not None else _find(reader, address, as_of)
    kept = reader.kept_bytes(file_id, as_of)
    offset, length = address.span or (0, kept or 0)
    return reader.read_range(file_id, offset, length, as_of)


def safe_text(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield bytes as text that is safe for a terminal: control characters and invalid UTF-8 are escaped."""
    decoder = getincrementaldecoder("utf-8")("backslashreplace")
    for block in blocks:
        yield safe(decoder.decode(block), keep_newlines=True)
    yield safe(decoder.decode(b"", final=True), keep_newlines=True)


def _find(reader: StoreReader, address: Address, as_of: str | None) -> int:
    """Return the file_id of an address. Without a generation it is the first, as in the macro's output."""
    candidates = [id_of(address.home_id, raw_path(address.path), 1)]
    numbered = _GENERATION.fullmatch(address.path)
    if numbered:
        candidates.append(id_of(address.home_id, raw_path(numbered["path"]), int(numbered["generation"])))
    found = [one for one in candidates if reader.kept_bytes(one, as_of) is not None]
    if len(found) > 1:
        raise ConfigurationError(
            f"{address.path} is the name of a file and also a generation of another file: name one of them by its "
            f"file_id, {found[0]} or {found[1]}"
        )
    if not found:
        raise ConfigurationError(_why_not(reader, address, as_of))
    return found[0]


def _why_not(reader: StoreReader, address: Address, as_of: str | None) -> str:
    states = reader.files(as_of)
    homes = sorted({state.home_id for state in states})
    if address.home_id not in homes:
        return f"there is no home {address.home_id}; the homes are: {', '.join(homes) or 'none'}"
    for state in states:
        if (state.home_id, state.path) == (address.home_id, address.path):
            if state.file_id is None:
                how = _NOT_KEPT.get(state.treatment, "it could not be read")
                return f"nothing is kept of {state.path}: {how} (rule {state.rule})"
            return (
                f"the first archived version of {state.path} is generation {state.generation}: name it as "
                f"{state.path}#{state.generation}"
            )
    return f"there is no {address.path} in home {address.home_id}"
