"""Advice that several kinds of findings share."""

from typing import Final

FROM_BACKUP: Final = (
    "Put the file back from a backup of the data directory; until then its content cannot be restored or loaded."
)
PROGRAM_FAULT: Final = (
    "The bytes are unchanged since they were written, so this is a fault of the program: please report it. "
    "The bytes of the home's files are in the store."
)
WHAT_OTHERS_NAME: Final = (
    "Put the files that other findings name as damaged or missing back from a backup. "
    "If no other finding names one, this is a fault of the program: please report it."
)
LOST_RECORD: Final = (
    "The next `extract run` restores it from its second copy in copies/, if that is undamaged. If not, put run.json "
    "back from a backup of the data directory: until then, the content that the run archived is not used, and no "
    "later run deletes it."
)
REBUILD: Final = "`extract rebuild` builds the warehouse again from the archive."
NEXT_RUN: Final = "Nothing: the next `extract run` corrects it."
NOTHING: Final = "Nothing."
