"""What can be done about several kinds of findings."""

from typing import Final

FROM_BACKUP: Final = (
    "Put the file back from a backup of the data directory; until then, what it held cannot be given back or loaded."
)
PROGRAM_FAULT: Final = (
    "The bytes are those that were written, so this is a fault of the program: please report it. "
    "What was read from the home is in the store."
)
WHAT_OTHERS_NAME: Final = (
    "Put back from a backup what other findings name as broken or gone. "
    "Where they name nothing, this is a fault of the program: please report it."
)
LOST_RECORD: Final = (
    "Put run.json back from a backup of the data directory. Make no run before: what a run without commit record kept "
    "counts for nothing."
)
REBUILD: Final = "`extract rebuild` makes the warehouse again from what is kept."
NEXT_RUN: Final = "Nothing: the next `extract run` puts it right."
NOTHING: Final = "Nothing."
