"""Lakes whose machines have wrong clocks: the order of a machine's runs and heads counts, never the time."""

import datetime as clocks
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pipelines.archive.archive import read_runs
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from pipelines.verify.verify import verify
from tests.lake.machines import QUIET, Made, counts_of, everything_in, machines, mark, session_of, write_project

VIEWS = ("sessions", "messages", "conversation", "user_prompts", "files", "homes", "runs")
AtDays = Callable[[float], AbstractContextManager[None]]


@pytest.fixture
def at_days(monkeypatch: pytest.MonkeyPatch) -> AtDays:
    """A context in which the program's clock is wrong by so many days."""

    @contextmanager
    def wrong(days: float) -> Iterator[None]:
        class Clock(clocks.datetime):
            @classmethod
            def now(cls, tz: clocks.tzinfo | None = None) -> "Clock":
                return cls.fromtimestamp(clocks.datetime.now(tz).timestamp() + days * 86_400, tz)

        with monkeypatch.context() as patch:
            for name, module in list(sys.modules.items()):
                if name.startswith("pipelines.") and getattr(module, "datetime", None) is clocks.datetime:
                    patch.setattr(module, "datetime", Clock)
            yield

    return wrong


def work(made: Made, project: str) -> None:
    """Write a session, run, push and pull."""
    write_project(made, project)
    made.run()
    made.push()
    assert made.pull().findings == []


def test_machines_with_wrong_clocks_lose_nothing_and_agree(place: Path, at_days: AtDays) -> None:
    ada, bob = machines(place)
    with at_days(1):
        work(ada, "tomorrow")
    with at_days(-1):
        work(bob, "yesterday")
    with at_days(-1.5):  # before the runs that both have made
        work(ada, "set-back")
        forget(ada.layout, plan_forget(ada.layout, ErasureTarget("session", session_of(ada, "tomorrow"))), QUIET)
        ada.push()
    with at_days(1):
        assert bob.pull().findings == []
    days = [run.started_at[:10] for run in read_runs(ada.layout)]
    assert days[-1] < days[0] < days[1]
    assert counts_of(ada, VIEWS) == counts_of(bob, VIEWS)
    assert {mark(ada, "tomorrow", "prompt").encode() in everything_in(one.layout.root) for one in (ada, bob)} == {False}
    assert bob.ask("SELECT count(*) FROM sessions WHERE home_id = 'claude@ada' AND record_count > 0") == [(4,)]
    for one in (ada, bob):
        assert [str(finding) for finding in verify(one.layout, observer=QUIET).findings] == []
