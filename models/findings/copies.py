"""R3: the second copies of commit records, manifests and tombstones, head.json, which names the newest run,
and the copies of the archive at other places."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import NEXT_RUN, REPAIR

COPY_GONE: Final = Kind(
    "R301",
    Severity.WARNING,
    Level.QUICK,
    "There is no second copy of {original}: if the original were lost too, nothing could restore it.",
    NEXT_RUN,
    is_passing=True,
)
COPY_BROKEN: Final = Kind(
    "R302",
    Severity.ERROR,
    Level.DEFAULT,
    "The second copy of {original} has other bytes.",
    REPAIR,
    is_fixity=True,
    is_passing=True,
)
HEAD_GONE: Final = Kind(
    "R303",
    Severity.WARNING,
    Level.QUICK,
    "The file that names the newest run is gone: without it, a loss of that run would not be noticed.",
    NEXT_RUN,
    is_passing=True,
)
HEAD_BROKEN: Final = Kind(
    "R304",
    Severity.ERROR,
    Level.QUICK,
    "The file that names the newest run was changed or damaged: {problem}.",
    NEXT_RUN,
    is_fixity=True,
)
NEWEST_GONE: Final = Kind(
    "R305",
    Severity.ERROR,
    Level.QUICK,
    "Run {run} (epoch {epoch}) was committed last and is gone.",
    REPAIR,
    is_fixity=True,
    is_passing=True,
)
PLACE_BROKEN: Final = Kind(
    "R306",
    Severity.ERROR,
    Level.QUICK,
    "The file that names a copy of the archive at another place was changed or damaged: {problem}.",
    "`extract repair` puts it back from its second copy. If that is damaged too, it is set aside: then name the place "
    "again with `extract copy add`.",
    is_fixity=True,
    is_passing=True,
)
COPY_AHEAD: Final = Kind(
    "R307",
    Severity.ERROR,
    Level.QUICK,
    "The copy {place} has run {run} of epoch {epoch}, which the archive does not have.",
    "`extract repair --from COPY` brings the run back from the copy.",
    is_fixity=True,
    is_passing=True,
)
