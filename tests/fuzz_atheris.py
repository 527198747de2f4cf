"""Guided fuzzing of the code that splits and salvages lines: `python -m tests.fuzz_atheris SECONDS`, in a writable
directory.

Needs atheris, which searches for inputs that reach new code. The exit code is 0 if it found no error.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["extractors"]):
    from extractors.reading.contract import Malformed
    from extractors.reading.cutting import Cut, cut_lines
    from extractors.reading.salvage import PartKind, parse_line, salvage, salvage_document


class Broken(Exception):
    """Bytes were lost, invented or moved."""


def look(data: bytes) -> None:
    """Check that spans tile a stream without gaps, read in chunks whose sizes come from its first bytes."""
    if len(data) < 3:
        return
    size, limit, stream = 1 + data[0], 1 + data[1], data[2:]
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    for bound in (limit, 1 << 20):
        position = 0
        for offset, piece, cut in cut_lines(iter(chunks), 0, bound):
            if offset != position or stream[offset : offset + len(piece)] != piece:
                raise Broken(f"at {position}")
            position += len(piece)
            if cut is Cut.WHOLE:
                look_at_line(piece)
        if position != len(stream):
            raise Broken(f"{position} of {len(stream)}")
    with suppress(Malformed):
        salvage_document(stream)


def look_at_line(line: bytes) -> None:
    """Check the same for the entries salvaged from a damaged line."""
    if parse_line(line) is not None:
        return
    position = 0
    for part in salvage(line):
        if part.start != position or part.end <= part.start:
            raise Broken(f"part at {part.start}, expected at {position}")
        if (part.value is not None) != (part.kind is PartKind.RECORD):
            raise Broken("a record without a value, or a value of none")
        position = part.end
    if position != len(line):
        raise Broken(f"{position} of {len(line)}")


if __name__ == "__main__":
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", "-print_final_stats=1"], look)
    atheris.Fuzz()
