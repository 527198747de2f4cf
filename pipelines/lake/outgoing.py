"""The data that leaves this machine for a place of a level: the commit records, and the files that they list.

A private place gets the archive's own files, if no rule withholds anything. Otherwise the files are written again,
without the withheld rows, and for team and public with secrets and personal data masked; a team and the public do not
get the store, which has exact bytes.

With a memory (`pipelines.lake.memory`) only the runs are written whose files would differ from those of the last time.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from models.errors import ConfigurationError
from models.run import PartRecord, RunRecord
from pipelines.archive.archive import effective, read_all_runs
from pipelines.disk.atomic import make_directories
from pipelines.disk.layout import Layout
from pipelines.lake import keys
from pipelines.lake.choice import Choice
from pipelines.lake.memory import PushMemory, edition_of, inputs_of, read_memory, record_of, write_memory
from pipelines.lake.projection import Projection, cleaned
from pipelines.privacy.levels import Levels, all_levels, own_projects
from pipelines.privacy.rules import PRIVATE, TEAM, rank, read_rules
from pipelines.redact.masking import Masker
from pipelines.redact.rules import PrivacyLevel


@dataclass(slots=True)
class Outgoing:
    """The data that goes to a place. `runs` are the records as written there, `own_runs` the same records as they are
    here, `all_runs` also those that are not in effect. `left_out` names the runs that cannot go, with the reasons.
    `write` writes the files of a run that was not written because of the memory.
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
    write: Callable[[str], None] | None = None

    def place_of(self, part: PartRecord) -> Path:
        """Return the file of a part of `runs`."""
        path = (self.work if self.is_filtered else self.layout.root) / part.path
        if self.write is not None and not path.exists():
            self.write(next(run.run_id for run in self.runs for phase in run.phases if part in phase.parts))
        return path

    def remove(self) -> None:
        """Delete the files that were written for this."""
        shutil.rmtree(self.work, ignore_errors=True)


def outgoing_of(layout: Layout, level: str, key: bytes, work: Path, memory: Path | None = None) -> Outgoing:
    """Return the data for a place of a level (private, team, public), and write its files below `work` where they
    differ from the archive's own; with the path of a `memory`, those of the runs that have changed since it was
    written. `key` is the secret key of the masks. The caller must call `remove`.

    Raises ConfigurationError where no run was committed or the warehouse is missing, which tells the sessions apart.
    """
    everything = read_all_runs(layout)
    own = [run for run in effective(everything) if run.phases and run.kind != "rollback"]
    shutil.rmtree(work, ignore_errors=True)
    rules = read_rules(layout)
    if level == PRIVATE and not rules:
        runs = [cleaned(run) for run in own]
        return Outgoing(layout, work, everything, own, runs, is_filtered=False, projects=own_projects(layout))
    if not own:
        return Outgoing(layout, work, everything, own, [], is_filtered=False)
    marks = {run.run_id: mark_of(run) for run in own}
    edition = edition_of(level, key)
    before = read_memory(memory, edition)
    inputs = inputs_of(layout, edition, rules, marks.items(), key)
    filtering = _Filtering(layout, own, marks, level, key, work)
    if inputs and before.inputs == inputs:
        made = before
    else:
        made = filtering.decide(before)
        if memory is not None:
            write_memory(memory, replace(made, inputs=inputs))
    if made.is_filtered:
        runs = [run for run in (record_of(made.runs[run.run_id]) for run in own) if run.phases]
    else:
        runs = [cleaned(run) for run in own]
    out = Outgoing(layout, work, everything, own, runs, made.is_filtered, made.projects, made.withheld_sessions)
    out.write = filtering.write if memory is not None else None
    return out


class _Filtering:
    """Decides for a place what goes there, and writes the files of runs without the rest."""

    def __init__(
        self, layout: Layout, own: Sequence[RunRecord], marks: Mapping[str, str], level: str, key: bytes, work: Path
    ) -> None:
        self._layout, self._own, self._marks, self._level = layout, own, marks, level
        self._key, self._work = key, work
        self._is_redacted = rank(level) >= rank(TEAM)
        self._projection: Projection | None = None

    def decide(self, before: PushMemory) -> PushMemory:
        """Write the runs whose files differ from those of an earlier push; return what is to be remembered."""
        levels = all_levels(self._layout)
        least = rank(self._level)
        withheld = levels.below(least)
        allowed = levels.sessions.keys() - set(withheld)
        projects = sorted({one.project for key, one in levels.sessions.items() if key in allowed and one.project})
        made = replace(before, inputs="", projects=projects, withheld_sessions=len(withheld), runs={})
        if not (self._is_redacted or _withholds(levels, least)):
            return replace(made, needles=frozenset(), is_filtered=False)
        choice = Choice(
            self._layout,
            self._own,
            self._marks,
            levels,
            least,
            with_bytes=not self._is_redacted,
            key=self._key,
            before=before,
        )
        masker = Masker(PrivacyLevel[self._level.upper()], self._key) if self._is_redacted else None
        make_directories(self._work)
        self._projection = Projection(self._layout, self._own, choice, masker, self._work)
        old = {run.run_id: choice.same_as_before(run.run_id) for run in self._own}
        self._projection.prepare(run for run in self._own if old[run.run_id] is None)
        runs = {}
        for run in self._own:
            known = old[run.run_id]
            record = known.record if known is not None else self._projection.run(run).to_json()
            runs[run.run_id] = replace(choice.runs[run.run_id], record=record)
        return replace(made, needles=choice.needles, is_filtered=True, runs=runs)

    def write(self, run_id: str) -> None:
        """Write the files of a run that was not written, because its files are those of an earlier push."""
        run = next(run for run in self._own if run.run_id == run_id)
        if self._projection is None:
            self.decide(PushMemory(""))
        else:
            self._projection.prepare([run])
            self._projection.run(run)


def _withholds(levels: Levels, least: int) -> bool:
    has_lines = any(one < least for lines in levels.lines.values() for one in lines.values())
    return bool(levels.below(least)) or has_lines or any(one < least for one in levels.files.values())


def mark_of(run: RunRecord) -> str:
    """Return a digest of the part of a record that other machines may see: if it differs, a push has work to do."""
    return keys.digest_of(orjson.dumps(cleaned(run).to_json()))[:16]


def refuse_unknown_level(level: str) -> None:
    """Raise ConfigurationError for a level that no place has."""
    if rank(level) < rank(PRIVATE):
        raise ConfigurationError("nothing goes to a place of level ephemeral: use private, team or public")
