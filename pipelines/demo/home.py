"""A sample home while it is made: its files, its texts, its projects, and what is known of its sessions."""

from collections import Counter
from dataclasses import dataclass, field

import orjson

from pipelines.demo.commands import Run
from pipelines.demo.project import Project
from pipelines.demo.rng import Rng
from pipelines.demo.text import Text
from pipelines.demo.transcript import Tally, Transcript
from pipelines.demo.tree import Tree
from pipelines.demo.versions import Traits


@dataclass(frozen=True)
class Fact:
    """What the other files of the home say about one session."""

    session: str
    project: Project
    traits: Traits
    started: int
    ended: int
    tally: Tally
    slug: str
    path: str
    last_uuid: str


@dataclass
class Home:
    """Everything that the makers of the parts share. `shares` says which part of `target` bytes each kind may take."""

    tree: Tree
    text: Text
    runs: list[Run]
    label: str
    projects: list[Project]
    target: int
    shares: dict[str, float]
    largest_image: int
    now: int
    facts: list[Fact] = field(default_factory=list)
    history: list[tuple[int, bytes]] = field(default_factory=list)
    history_bytes: int = 0
    serial: Counter[str] = field(default_factory=Counter)

    def rng(self, *label: object) -> Rng:
        """Return a new stream of choices; the same label twice gives two streams."""
        name = "/".join(map(str, label))
        self.serial[name] += 1
        return Rng(self.label, name, self.serial[name])

    @property
    def total(self) -> int:
        """How many bytes the home has so far, with those that wait to be written."""
        return self.tree.bytes + self.history_bytes

    def room(self, kind: str) -> int:
        """Return how many more bytes this kind may take."""
        return int(self.shares.get(kind, 0.0) * self.target) - self.tree.kinds[kind]

    def prompt(self, ms: int, record: dict[str, object]) -> None:
        """Keep a line for history.jsonl, which is written in the order of time at the end."""
        line = orjson.dumps(record)
        self.history.append((ms, line))
        self.history_bytes += len(line) + 1

    def keep(self, transcript: Transcript, path: str) -> Fact:
        """Remember a session whose transcript is done."""
        fact = Fact(
            transcript.session,
            transcript.project,
            transcript.traits,
            transcript.started,
            transcript.ms,
            transcript.tally,
            transcript.slug,
            path,
            transcript.parent or "",
        )
        self.facts.append(fact)
        return fact
