"""Advice that several kinds of findings share."""

from typing import Final

REPAIR: Final = (
    "`extract repair` shows how it can be mended, and mends it with --yes: from second copies, a copy of the archive "
    "(--from COPY), the homes, or the rest of the archive."
)
PROGRAM_FAULT: Final = (
    "The bytes are unchanged since they were written, so this is a fault of the program: please report it. "
    "The bytes of the home's files are in the store."
)
WHAT_OTHERS_NAME: Final = (
    "`extract repair` mends the files that other findings name as damaged or missing, and looks for the pieces in "
    "copies and homes. If no other finding names a file, this is a fault of the program: please report it."
)
REBUILD: Final = "`extract rebuild` builds the warehouse again from the archive."
NEXT_RUN: Final = "Nothing: the next `extract run` corrects it."
NOTHING: Final = "Nothing."
