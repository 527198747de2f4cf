"""The programs: one package (room) for each part of the system, and the command line. It imports `extractors` and
`models`."""

from pathlib import Path
from types import ModuleType

import extractors
import models


def _refuse_another(package: ModuleType) -> None:
    """Raise ImportError where a package of ours comes from another place than this one.

    The names are common ones: a foreign `models` earlier on the path would be imported in silence.
    """
    ours = Path(__file__).resolve().parents[1]
    if package.__file__ is None or Path(package.__file__).resolve().parents[1] != ours:
        found = package.__file__ or list(package.__path__)
        raise ImportError(
            f"another distribution provides {package.__name__!r}: {found}; give this one an environment of its own"
        )


_refuse_another(extractors)
_refuse_another(models)
