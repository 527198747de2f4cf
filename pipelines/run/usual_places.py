"""The homes that an archive knows, and the directories where a machine usually has others. Does not list or open
anything in a home.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from models.json import JsonObject
from pipelines.archive.archive import read_runs
from pipelines.archive.homes import KnownHome, read_homes
from pipelines.disk.layout import Layout
from pipelines.run.request import problem_of, usual_homes


@dataclass(frozen=True, slots=True)
class UsualPlace:
    """A directory that may be a home and that the archive does not know. `is_next` if the next run without `--home`
    reads it; not `is_home` if it has a format that no run can read.
    """

    path: Path
    kind: str
    is_home: bool = True
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class HomeState:
    """A home that the archive knows: when it was last read (ISO 8601, UTC), and why it cannot be read now."""

    home: KnownHome
    last_run_at: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class HomeOverview:
    """The homes of an archive, and other directories of this machine that may be homes."""

    homes: list[HomeState]
    places: list[UsualPlace]

    def to_json(self) -> JsonObject:
        """Return the overview as JSON values."""
        homes: list[JsonObject] = [
            {**asdict(one.home), "last_run_at": one.last_run_at, "problem": one.problem} for one in self.homes
        ]
        return {"homes": [*homes], "places": [{**asdict(one), "path": str(one.path)} for one in self.places]}


def overview(layout: Layout, user: Path, environment: Mapping[str, str], mounts: Path | None) -> HomeOverview:
    """Return the homes that the archive knows, and the usual places that it does not know. The arguments after
    `layout` are those of `usual_places`. Raises FixityError or StoreError if the archive's records cannot be read.
    """
    known = read_homes(layout)
    last = {home_id: run.finished_at or run.started_at for run in read_runs(layout) for home_id in run.homes}
    homes = [HomeState(home, last.get(home_id), problem_of(Path(home.root))) for home_id, home in sorted(known.items())]
    roots = {os.path.realpath(home.root) for home in known.values()}
    places = usual_places(user, environment, mounts)
    return HomeOverview(homes, [place for place in places if os.path.realpath(place.path) not in roots])


def usual_places(user: Path, environment: Mapping[str, str], mounts: Path | None) -> list[UsualPlace]:
    """Return those of the usual places that are directories. `user` is the user's home directory, `environment` the
    environment variables, `mounts` the directory where WSL mounts the drives of Windows; None outside WSL.
    """
    seen = set()
    found = []
    for place in _candidates(user, environment, mounts):
        real = os.path.realpath(place.path)
        if real not in seen and place.path.is_dir():
            seen.add(real)
            found.append(place)
    return found


def _candidates(user: Path, environment: Mapping[str, str], mounts: Path | None) -> Iterator[UsualPlace]:
    for path in usual_homes(environment, user):
        yield UsualPlace(path, "the usual home", is_next=True)
    yield UsualPlace(user / ".claude", "the usual home where CLAUDE_CONFIG_DIR names no other")
    for path in sorted(user.glob(".claude[-_.]*")):
        yield UsualPlace(path, "another configuration directory")
    settings = Path(environment.get("XDG_CONFIG_HOME") or user / ".config")
    yield UsualPlace(settings / "claude", "a configuration directory by the XDG rules")
    roaming = Path(environment.get("APPDATA") or user / "AppData" / "Roaming")
    for path in (user / "Library" / "Application Support" / "Claude", roaming / "Claude", settings / "Claude"):
        yield UsualPlace(path / "local-agent-mode-sessions", "the homes of Claude Desktop's local agent mode")
        yield UsualPlace(path, "Claude Desktop, whose own format is not read", is_home=False)
    if mounts is not None:
        for path in sorted(mounts.glob("*/Users/*/.claude")):
            yield UsualPlace(path, "a home of Windows, seen from WSL")


def wsl_mounts(release: str) -> Path | None:
    """Return the directory where WSL mounts the drives of Windows, if the kernel's `release` is WSL's; else None."""
    return Path("/mnt") if "microsoft" in release.lower() else None
