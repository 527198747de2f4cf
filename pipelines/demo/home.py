"""A sample home while it is made: its files, its pools of text, its projects, and facts about its sessions."""

from collections import Counter
from dataclasses import dataclass, field

import orjson

from pipelines.demo.commands import Run
from pipelines.demo.project import Project
from pipelines.demo.rng import Rng
from pipelines.demo.text import Text
from pipelines.demo.transcript import SessionCounts, Transcript
from pipelines.demo.tree import Tree
from pipelines.demo.versions import Traits


@dataclass(frozen=True)
class SessionFacts:
    """Facts about one session that other files of the home repeat; times are epoch milliseconds."""

    session: str
    project: Project
    traits: Traits
    started: int
    ended: int
    counts: SessionCounts
    slug: str
    path: str
    last_uuid: str


@dataclass
class DemoHome:
    """The state that the makers of the parts share. `shares` is the fraction of `target` bytes for each kind."""

    tree: Tree
    text: Text
    runs: list[Run]
    label: str
    projects: list[Project]
    target: int
    shares: dict[str, float]
    largest_image: int
    now: int
    facts: list[SessionFacts] = field(default_factory=list)
    history: list[tuple[int, bytes]] = field(default_factory=list)
    history_bytes: int = 0
    serial: Counter[str] = field(default_factory=Counter)

    def rng(self, *label: object) -> Rng:
        """Return a new stream of random choices; asking twice with one label gives two different streams."""
        name = "/".join(map(str, label))
        self.serial[name] += 1
        return Rng(self.label, name, self.serial[name])

    @property
    def total(self) -> int:
        """The bytes written so far, plus the lines of history that are still in memory."""
        return self.tree.bytes + self.history_bytes

    def room(self, kind: str) -> int:
        """Return how many more bytes this kind may take."""
        return int(self.shares.get(kind, 0.0) * self.target) - self.tree.kinds[kind]

    def prompt(self, ms: int, record: dict[str, object]) -> None:
        """Add a line for history.jsonl, which is written at the end, sorted by time."""
        line = orjson.dumps(record)
        self.history.append((ms, line))
        self.history_bytes += len(line) + 1

    def keep(self, transcript: Transcript, path: str) -> SessionFacts:
        """Add the facts of a session whose transcript, at `path`, is complete."""
        fact = SessionFacts(
            transcript.session,
            transcript.project,
            transcript.traits,
            transcript.started,
            transcript.ms,
            transcript.counts,
            transcript.slug,
            path,
            transcript.parent or "",
        )
        self.facts.append(fact)
        return fact
