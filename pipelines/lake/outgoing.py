"""The data that leaves this machine for a place of a level: the commit records, and the files that they list.

A private place gets the archive's own files, if no rule withholds anything. Otherwise the files are written again,
without the withheld rows, and for team and public with secrets and personal data masked; a team and the public do not
get the store, which has exact bytes.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from models.errors import ConfigurationError
from models.run import PartRecord, RunRecord
from pipelines.archive.archive import effective, read_all_runs
from pipelines.disk.atomic import make_directories
from pipelines.disk.layout import Layout
from pipelines.lake.keys import digest_of
from pipelines.lake.projection import Projection, cleaned
from pipelines.privacy.levels import Levels, all_levels, own_projects
from pipelines.privacy.rules import PRIVATE, TEAM, rank, read_rules


@dataclass(slots=True)
class Outgoing:
    """The data that goes to a place. `runs` are the records as written there, `own_runs` the same records as they are
    here, `all_runs` also those that are not in effect. `left_out` names the runs that cannot go, with the reasons.
    """

    layout: Layout
    work: Path
    all_runs: Sequence[RunRecord]
    own_runs: Sequence[RunRecord]
    runs: list[RunRecord]
    is_filtered: bool
    projects: Sequence[str] = ()
    withheld_sessions: int = 0
    left_out: list[str] = field(default_factory=list)

    def place_of(self, part: PartRecord) -> Path:
        """Return the file of a part of `runs`."""
        return (self.work if self.is_filtered else self.layout.root) / part.path

    def remove(self) -> None:
        """Delete the files that were written for this."""
        shutil.rmtree(self.work, ignore_errors=True)


def outgoing_of(layout: Layout, level: str, key: bytes, work: Path) -> Outgoing:
    """Return the data for a place of a level (private, team, public), and write its files below `work` where they
    differ from the archive's own. `key` is the secret key of the masks. The caller must call `remove`.

    Raises ConfigurationError where no run was committed or the warehouse is missing, which tells the sessions apart.
    """
    everything = read_all_runs(layout)
    own = [run for run in effective(everything) if run.phases and run.kind != "rollback"]
    shutil.rmtree(work, ignore_errors=True)
    if level == PRIVATE and not read_rules(layout):
        runs = [cleaned(run) for run in own]
        return Outgoing(layout, work, everything, own, runs, is_filtered=False, projects=own_projects(layout))
    if not own:
        return Outgoing(layout, work, everything, own, [], is_filtered=False)
    levels = all_levels(layout)
    least = rank(level)
    withheld = levels.below(least)
    allowed = levels.sessions.keys() - set(withheld)
    projects = sorted({one.project for key_, one in levels.sessions.items() if key_ in allowed and one.project})
    is_filtered = least >= rank(TEAM) or _withholds(levels, least)
    made = Outgoing(layout, work, everything, own, [], is_filtered, projects, len(withheld))
    if not is_filtered:
        made.runs = [cleaned(run) for run in own]
        return made
    make_directories(work)
    projection = Projection(layout, own, levels, level, key, work)
    made.runs = [run for run in map(projection.run, own) if run.phases]
    return made


def _withholds(levels: Levels, least: int) -> bool:
    has_lines = any(one < least for lines in levels.lines.values() for one in lines.values())
    return bool(levels.below(least)) or has_lines or any(one < least for one in levels.files.values())


def mark_of(run: RunRecord) -> str:
    """Return a digest of the part of a record that other machines may see: if it differs, a push has work to do."""
    return digest_of(orjson.dumps(cleaned(run).to_json()))[:16]


def refuse_unknown_level(level: str) -> None:
    """Raise ConfigurationError for a level that no place has."""
    if rank(level) < rank(PRIVATE):
        raise ConfigurationError("nothing goes to a place of level ephemeral: use private, team or public")
