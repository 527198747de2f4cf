"""The law of counting: after any forks, resumptions, replays, moves and syncs, each prompt and each response counts
once over all homes, and once in each home that has it. The truth is known because the transcripts are made up.
"""

import os
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tests.conversations import Talk, call, session_id, write_home
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

_RUNS = count()
EXAMPLES = int(os.environ.get("SOAK_WORLDS", "1"))

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *("turn", "turn", "gateway", "nameless", "tool", "fork", "silent fork", "silent fork"),
                *("resume", "replay", "move", "sync"),
            )
        ),
        st.integers(0, 7),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class World:
    """Made-up transcripts, their homes, and the turns of each. `number` keeps the content of several worlds apart,
    except the id that their gateways give every answer.
    """

    number: int
    talks: list[Talk] = field(default_factory=list)
    turns: list[set[int]] = field(default_factory=lambda: [set()])
    moved: set[int] = field(default_factory=set)
    synced: set[int] = field(default_factory=set)
    outputs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.talks.append(Talk(session_id(100 * self.number), seconds=1000 * self.number))

    def step(self, what: str, which: int) -> None:
        """Change one of the transcripts, in the way that `what` names."""
        number = which % len(self.talks)
        talk = self.talks[number]
        if what in ("turn", "gateway", "tool"):
            self._turn(what, number)
        elif what == "replay":
            talk.records += [dict(record) for record in talk.records]
        elif what == "move":
            self.moved.add(number)
        elif what == "sync":
            self.synced.add(number)
        elif self.turns[number] and number not in self.moved | self.synced:
            new = session_id(100 * self.number + len(self.talks))
            copy = talk.resumed(new) if what == "resume" else talk.forked(new, names_original=what == "fork")
            self.talks.append(copy)
            self.turns.append(set(self.turns[number]))

    def _turn(self, what: str, number: int) -> None:
        turn, talk = len(self.outputs), self.talks[number]
        self.turns[number].add(turn)
        self.outputs.append(10 + turn)
        name = f"{self.number}-{turn}"
        talk.prompt(f"prompt {name}")
        if what == "gateway":
            talk.answer("relay", f"answer {name}", self.outputs[turn], 100 + turn, request=None)
        elif what == "nameless":
            talk.answer(None, f"answer {name}", self.outputs[turn], request=None)
        elif what == "tool":
            talk.answer(name, call(f"t{name}"), 1, stop_reason=None)
            talk.result(f"t{name}")
            talk.answer(name, f"answer {name}", self.outputs[turn])
        else:
            talk.answer(name, f"answer {name}", self.outputs[turn])

    def homes(self) -> dict[str, list[int]]:
        """Return the numbers of the transcripts of each home."""
        return {"one": list(range(len(self.talks))), "two": sorted(self.synced)}

    def write(self, place: Path) -> None:
        """Write the transcripts into the homes that have them."""
        for name, numbers in self.homes().items():
            write_home(place / name, [self.talks[number] for number in numbers])
            moved = [self.talks[number] for number in numbers if number in self.moved]
            write_home(place / name, moved, "-home-mira-elsewhere")


# Worlds do not depend on one another, and the one that fails is named with its steps: nothing has to be shrunk.
@settings(max_examples=EXAMPLES, phases=(Phase.explicit, Phase.generate))
@given(st.lists(STEPS, min_size=15, max_size=25))
@example(
    [
        [("turn", 0), ("silent fork", 0), ("fork", 1)],
        [("gateway", 0), ("silent fork", 0), ("silent fork", 1), ("fork", 1), ("gateway", 2), ("silent fork", 2)],
        [("nameless", 0), ("silent fork", 0), ("silent fork", 0), ("resume", 1), ("sync", 2)],
    ]
)
def test_each_prompt_and_response_counts_once_whatever_was_copied(histories: list[list[tuple[str, int]]]) -> None:
    worlds = []
    for number, steps in enumerate(histories, 1):
        world = World(number)
        for what, which in steps:
            world.step(what, which)
        worlds.append(world)
    with TemporaryDirectory() as place:
        for world in worlds:
            world.write(Path(place))
        homes = [Path(place, name) for name in ("one", "two") if Path(place, name, "projects").exists()]
        extract(Path(place, "data"), *homes)
        with warehouse_of(Path(place, "data")) as connection:
            for world, steps in zip(worlds, histories, strict=True):
                _check(connection, world, f"world {world.number}: {steps}")
            sums = (
                "SELECT home_id, sum(prompt_count), sum(response_count), sum(output_tokens) "
                "FROM {} GROUP BY 1 ORDER BY 1"
            )
            by_session, by_project = (
                connection.execute(sums.format(view)).fetchall() for view in ("sessions", "projects")
            )
            assert by_session == by_project
    print(f"did: {next(_RUNS) + 1} homes of made-up transcripts")


def _check(connection: duckdb.DuckDBPyConnection, world: World, steps: str) -> None:
    ours = f"session_id IN ({', '.join(repr(talk.session) for talk in world.talks)})"
    turns = range(len(world.outputs))
    prompts = connection.execute(f"SELECT prompt_text FROM user_prompts WHERE {ours} ORDER BY ALL").fetchall()
    assert prompts == sorted((f"prompt {world.number}-{turn}",) for turn in turns), steps
    figures = connection.execute(f"SELECT output_tokens FROM token_usage WHERE {ours} ORDER BY ALL").fetchall()
    assert figures == sorted((output,) for output in world.outputs), steps
    for name, numbers in world.homes().items():
        held = set().union(*(world.turns[number] for number in numbers))
        tokens = sum(world.outputs[turn] for turn in held)
        sums = (f"coalesce(sum({one}), 0)" for one in ("prompt_count", "response_count", "output_tokens"))
        sql = f"SELECT {', '.join(sums)} FROM sessions WHERE home_id LIKE '%{name}%' AND {ours}"
        assert connection.execute(sql).fetchone() == (len(held), len(held), tokens), f"{name}: {steps}"
