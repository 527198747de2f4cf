"""Shows one entry as it stands in the store, by the address that the warehouse's macro `address` gives."""

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
    """A file by its id, or by home and path (printable, `#generation` still on it); and a span, or the whole file."""

    file_id: int | None
    home_id: str
    path: str
    span: tuple[int, int] | None


def parse_address(text: str) -> Address:
    """Return what `HOME:PATH[#GENERATION][@OFFSET+LENGTH]` or `FILE_ID[@OFFSET+LENGTH]` means. Raises
    ConfigurationError.
    """
    match = _SPAN.fullmatch(text)
    file, span = (match["file"], (int(match["offset"]), int(match["length"]))) if match else (text, None)
    if _FILE_ID.fullmatch(file):
        return Address(int(file), "", "", span)
    home_id, colon, path = file.partition(":")
    if not colon or not home_id or not path:
        raise ConfigurationError(
            f"{text!r} is no address: HOME:PATH[#GENERATION]@OFFSET+LENGTH or FILE_ID@OFFSET+LENGTH, as the macro "
            "address(file_id, byte_offset, byte_length) of the warehouse gives"
        )
    return Address(None, home_id, path, span)


def entry_bytes(layout: Layout, text: str, as_of: str | None = None) -> Iterator[bytes]:
    """Yield the bytes at an address as they stood at a run, each verified; without a span, the whole file.

    Raises ConfigurationError when there is no such thing, FixityError and StoreError as `StoreReader.read_range`.
    """
    address = parse_address(text)
    reader = StoreReader.open(layout)
    file_id = address.file_id if address.file_id is not None else _find(reader, address, as_of)
    kept = reader.kept_bytes(file_id, as_of)
    offset, length = address.span or (0, kept or 0)
    return reader.read_range(file_id, offset, length, as_of)


def safe_text(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield bytes as text that a terminal can be shown; what is not UTF-8 comes as escapes."""
    decoder = getincrementaldecoder("utf-8")("backslashreplace")
    for block in blocks:
        yield safe(decoder.decode(block), keep_newlines=True)
    yield safe(decoder.decode(b"", final=True), keep_newlines=True)


def _find(reader: StoreReader, address: Address, as_of: str | None) -> int:
    """Return the file that an address names. No generation means the first, as the macro writes it."""
    candidates = [id_of(address.home_id, raw_path(address.path), 1)]
    numbered = _GENERATION.fullmatch(address.path)
    if numbered:
        candidates.append(id_of(address.home_id, raw_path(numbered["path"]), int(numbered["generation"])))
    found = [one for one in candidates if reader.kept_bytes(one, as_of) is not None]
    if len(found) > 1:
        raise ConfigurationError(
            f"{address.path} is a file and a generation of another; say which by file_id: {found[0]} or {found[1]}"
        )
    if not found:
        raise ConfigurationError(_why_not(reader, address, as_of))
    return found[0]


def _why_not(reader: StoreReader, address: Address, as_of: str | None) -> str:
    states = reader.files(as_of)
    homes = sorted({state.home_id for state in states})
    if address.home_id not in homes:
        return f"there is no home {address.home_id}; there are {', '.join(homes) or 'none'}"
    for state in states:
        if (state.home_id, state.path) == (address.home_id, address.path):
            if state.file_id is None:
                how = _NOT_KEPT.get(state.treatment, "it could not be read")
                return f"nothing is kept of {state.path}: {how} (rule {state.rule})"
            return (
                f"{state.path} was first kept as generation {state.generation}: ask for {state.path}#{state.generation}"
            )
    return f"there is no {address.path} in home {address.home_id}"
