"""The law of counting: whatever was forked, resumed, replayed, moved and synced, each prompt and each response counts
once over all homes, and once in each home that has it. The truth is what was made up, kept in plain Python.
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conversations import Talk, call, session_id, write_home
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("turn", "turn", "gateway", "tool", "fork", "silent fork", "resume", "replay", "move", "sync")),
        st.integers(0, 7),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class World:
    """What was made up: transcripts, where they lie, and which turns each of them has."""

    talks: list[Talk] = field(default_factory=lambda: [Talk()])
    turns: list[set[int]] = field(default_factory=lambda: [set()])
    moved: set[int] = field(default_factory=set)
    synced: set[int] = field(default_factory=set)
    outputs: list[int] = field(default_factory=list)

    def step(self, what: str, which: int) -> None:
        """Let one thing happen to one of the transcripts."""
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
            new = session_id(len(self.talks) + 1)
            copy = talk.resumed(new) if what == "resume" else talk.forked(new, names_original=what == "fork")
            self.talks.append(copy)
            self.turns.append(set(self.turns[number]))

    def _turn(self, what: str, number: int) -> None:
        turn, talk = len(self.outputs), self.talks[number]
        self.turns[number].add(turn)
        self.outputs.append(10 + turn)
        talk.prompt(f"prompt {turn}")
        if what == "gateway":
            talk.answer("relay", f"answer {turn}", self.outputs[turn], 100 + turn, request=None)
        elif what == "tool":
            talk.answer(f"m{turn}", call(f"t{turn}"), 1, stop_reason=None)
            talk.result(f"t{turn}")
            talk.answer(f"m{turn}", f"answer {turn}", self.outputs[turn])
        else:
            talk.answer(f"m{turn}", f"answer {turn}", self.outputs[turn])

    def homes(self) -> dict[str, list[int]]:
        """Return the numbers of the transcripts of each home."""
        return {"one": list(range(len(self.talks))), "two": sorted(self.synced)}

    def write(self, place: Path) -> list[Path]:
        """Write the homes, and return those that hold anything."""
        for name, numbers in self.homes().items():
            write_home(place / name, [self.talks[number] for number in numbers])
            moved = [self.talks[number] for number in numbers if number in self.moved]
            write_home(place / name, moved, "-home-mira-elsewhere")
        return [place / name for name, numbers in self.homes().items() if numbers]


@settings(max_examples=12)
@given(STEPS)
@example([("turn", 0), ("silent fork", 0), ("fork", 1)])
def test_each_prompt_and_response_counts_once_whatever_was_copied(steps: list[tuple[str, int]]) -> None:
    world = World()
    for what, which in steps:
        world.step(what, which)
    with TemporaryDirectory() as place:
        extract(Path(place, "data"), *world.write(Path(place)))
        with warehouse_of(Path(place, "data")) as connection:
            _check(connection, world)


def _check(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    turns = range(len(world.outputs))
    prompts = connection.execute("SELECT prompt_text FROM user_prompts ORDER BY ALL").fetchall()
    assert prompts == sorted((f"prompt {turn}",) for turn in turns)
    figures = connection.execute("SELECT output_tokens FROM token_usage ORDER BY ALL").fetchall()
    assert figures == sorted((output,) for output in world.outputs)
    for name, numbers in world.homes().items():
        held = set().union(*(world.turns[number] for number in numbers))
        tokens = sum(world.outputs[turn] for turn in held)
        for table in ("sessions", "projects"):
            sums = (f"coalesce(sum({count}), 0)" for count in ("prompt_count", "response_count", "output_tokens"))
            sql = f"SELECT {', '.join(sums)} FROM {table} WHERE home_id LIKE '%{name}%'"
            found = connection.execute(sql).fetchone()
            assert found == (len(held), len(held), tokens), f"{table} of {name}"
