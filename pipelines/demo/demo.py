"""Sample homes: an invented `~/.claude`, for trying the commands, for tests and for benchmarks.

Nothing in such a home is real: no person, no path, no secret. Its files have the formats of Claude Code 1.0.17 to
2.1.232, in the proportions that were counted in published homes, with the oddities that were found there. The same
arguments give the same bytes, names, modes and modification times on every system, with one exception: where symbolic
links are not allowed, `debug/latest` is a copy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.demo.build import build
from pipelines.demo.grow import Growth, grow
from pipelines.demo.tree import Oddity

__all__ = ["DemoSummary", "Growth", "Mix", "Oddity", "grow_home", "make_home"]

Mix = Literal["transcripts", "small-files"]


@dataclass(frozen=True)
class DemoSummary:
    """The contents of a sample home.

    `entries` counts by source (the first part of a path): lines of history and transcripts, events of debug logs, and
    one for each other file. `oddities` are the damages and rarities that were planted on purpose.
    """

    root: Path
    files: int
    bytes: int
    sessions: int
    entries: Mapping[str, int]
    oddities: tuple[Oddity, ...]


def make_home(
    root: Path, *, mb: float = 5.0, seed: int = 1, broken: bool = True, mix: Mix = "transcripts"
) -> DemoSummary:
    """Make a sample home of about `mb` million bytes under `root`; return a summary of its contents.

    From 2 million bytes on the size is right within 5 %. Every home has all sources and oddities, which take about
    one million bytes, so no home is smaller. `broken` plants damaged lines. `mix` chooses where most bytes are: in
    transcripts, or in debug logs and file versions (many small files). Raises ValueError when `root` exists and is not
    an empty directory, when `mb` is not positive, and when `mix` is unknown.
    """
    if mix not in ("transcripts", "small-files"):
        raise ValueError(f"mix must be transcripts or small-files, not {mix}")
    if not mb > 0:
        raise ValueError(f"mb must be more than zero, not {mb}")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"{root} exists and is not an empty directory; a sample home is only made where nothing is")
    root.mkdir(parents=True, exist_ok=True)
    home = build(root, mb=mb, seed=seed, damaged=broken, mix=mix)
    tree = home.tree
    return DemoSummary(
        root, tree.files, tree.bytes, len(home.facts), dict(sorted(tree.entries.items())), tuple(tree.oddities)
    )


def grow_home(root: Path, *, seed: int, fraction: float = 0.01) -> Growth:
    """Change a sample home as a week of use would; return the files appended to, added, rewritten and deleted.

    The home grows by about `fraction` of its size. The result depends on the seed and the state of the home alone.
    Raises ValueError, and changes nothing, when `make_home` did not make the directory.
    """
    if not fraction > 0:
        raise ValueError(f"fraction must be more than zero, not {fraction}")
    return grow(root, seed, fraction)
