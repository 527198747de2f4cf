"""Simulates a month of scheduled runs: `python -m tests.month_driver DIRECTORY RUNS`. It prints one JSON object.

The clock is the program's own: `datetime` is replaced before any module of the project imports it. A generator drives
the home: sessions grow, a plan is rewritten each day, and what is older than 30 days is deleted as Claude Code does it.
Twice most of the home vanishes by accident, once the clock goes back by a day and a half, once the machine is off for
ten days, once the disk is full, once the disk with the archive is lost. At the end only the copy is left: each day's
home is restored from it and compared byte for byte.
"""

import datetime as clocks
import json
import os
import random
import resource
import shutil
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

_REAL = clocks.datetime
_DAY = 86_400
_BEGUN = _REAL(2026, 9, 1, 4, tzinfo=clocks.UTC).timestamp()


class _AnyDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _REAL)


class Clock(_REAL, metaclass=_AnyDatetime):
    """The clock of the simulated machine: it goes on by itself, and `shift` (seconds) sets it."""

    shift = 0.0

    @classmethod
    def now(cls, tz: clocks.tzinfo | None = None) -> "Clock":
        """Return the simulated time."""
        return cls.fromtimestamp(time.time() + Clock.shift, tz)


clocks.datetime = Clock  # type: ignore[misc]

from pipelines.archive.archive import read_runs  # noqa: E402 (they import the clock)
from pipelines.disk.layout import Layout  # noqa: E402
from tests.command_line import call  # noqa: E402


class Household:
    """A home in use: the changes that Claude Code and its user make in a day."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._chance = random.Random(7)
        self._open: list[str] = []

    def live(self, now: float) -> None:
        """Make the changes of a day that ends at `now` (seconds since 1970)."""
        self._open = [one for one in self._open if self._chance.random() < 0.7 and (self.root / one).exists()]
        for _ in range(2):
            self._open.append(f"projects/-home-mira/{uuid.UUID(int=self._chance.getrandbits(128), version=4)}.jsonl")
        for number, path in enumerate(self._open):
            session = Path(path).stem
            record = {"type": "user", "uuid": session, "sessionId": session, "message": {"role": "user"}}
            record["message"] = {"role": "user", "content": f"{now} {self._chance.random()}" * 20}
            self._write(path, json.dumps(record) + "\n", now - number, is_appended=True)
            self._write(
                f"debug/{session}.txt", f"2026-09-01T04:00:00.000Z [DEBUG] {now}\n", now - number, is_appended=True
            )
            self._write(f"file-history/{session}/0123456789abcdef@v1", f"{self._chance.random()}\n" * 50, now - number)
        prompt = {"display": str(now), "pastedContents": {}, "timestamp": int(now * 1000), "project": "/p"}
        self._write("history.jsonl", json.dumps(prompt) + "\n", now, is_appended=True)
        self._write("plans/the-plan.md", f"# {now}\n" + f"{self._chance.random()}\n" * 30, now)
        for old in self._files():
            if now - old.stat().st_mtime > 30 * _DAY and old.name != "history.jsonl":
                old.unlink()

    def lose(self) -> None:
        """Lose most of it by accident: all sessions, with their logs and file versions."""
        for name in ("projects", "debug", "file-history"):
            shutil.rmtree(self.root / name)

    def state(self) -> dict[str, bytes]:
        """Return every file with its bytes."""
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in self._files()}

    def _files(self) -> Sequence[Path]:
        return [path for path in sorted(self.root.rglob("*")) if path.is_file()]

    def _write(self, name: str, text: str, at: float, *, is_appended: bool = False) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if is_appended else "w", encoding="utf-8") as file:
            file.write(text)
        os.utime(path, (at, at))


class Month:
    """The simulated machine: a home, an archive, a copy of it, and the command that the schedule has."""

    def __init__(self, where: Path) -> None:
        self.where, self.data, self.copy = where, where / "data", where / "copy"
        self.household = Household(where / "home" / ".claude")
        self.stood: dict[str, dict[str, bytes]] = {}
        self.codes: list[int] = []
        self.alerts: list[list[str]] = []

    def run(self, *, home: bool = False) -> int:
        """Do the scheduled run; note its exit code, the alerts announced, and the files of the home."""
        printed = self.where / "printed.json"
        printed.unlink(missing_ok=True)
        named = ("--home", f"mine={self.household.root}") if home else ("--home", "mine")
        command = ("run", *named, "--unattended", "--on-alert", f"cat > {printed}", "--data", self.data)
        code = call(*command).code
        summary = json.loads(printed.read_text()) if printed.exists() else {"alerts": []}
        self.codes.append(code)
        self.alerts.append([str(one["rule"]) for one in summary["alerts"] if one["announced"]])
        if code in (0, 4, 6):
            self.stood[read_runs(Layout(self.data))[-1].run_id] = self.household.state()
        return code

    def run_on_a_full_disk(self) -> None:
        """Do the scheduled run while no file can become larger than some kilobytes; then make room and run again."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
        try:
            self.run()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        self.run()

    def lose_the_disk(self) -> None:
        """Lose the data directory, and go on from the copy as docs/copies.md describes."""
        shutil.rmtree(self.data)
        shutil.copytree(self.copy, self.data)
        (self.data / "copy.json").unlink()
        for command in (("rebuild",), ("copy", "add", self.copy)):
            done = call(*command, "--data", self.data)
            assert done.code == 0, (command, done.err)

    def compare(self) -> tuple[int, int]:
        """Restore each day's home from the copy alone; return how many files and how many versions."""
        files, versions = 0, set()
        for run_id, expected in self.stood.items():
            target = self.where / "restored"
            command = ("restore", "--from", self.copy, "--as-of", run_id, "--to", target, "--data", self.data)
            done = call(*command)
            assert done.code == 0, done.err
            found = {
                path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
            }
            assert found == expected, (run_id, sorted(found.keys() ^ expected.keys()))
            files += len(found)
            versions |= set(found.items())
            shutil.rmtree(target)
        return files, len(versions)


def simulate(where: Path, runs: int) -> dict[str, object]:
    """Return the results of a month of so many runs."""
    month = Month(where)
    call("demo", "--help")  # imports
    day = 0
    events = {
        round(runs * share): name
        for share, name in (
            (0.3, "accident"),
            (0.4, "back"),
            (0.55, "accident"),
            (0.65, "off"),
            (0.75, "full"),
            (0.85, "lost"),
        )
    }
    for number in range(runs):
        event = events.get(number)
        day += 10 if event == "off" else 1
        Clock.shift = _BEGUN + day * _DAY - time.time() - (1.5 * _DAY if event == "back" else 0)
        month.household.live(_BEGUN + day * _DAY)
        if event == "accident":
            month.household.lose()
        if event == "lost":
            month.lose_the_disk()
        if event == "full":
            month.run_on_a_full_disk()
        else:
            month.run(home=number == 0)
        if number == 0:
            assert call("copy", "add", month.copy, "--data", month.data).code == 0
    checked = call("verify", "--deep", "--data", month.data).code
    shutil.rmtree(month.data)
    files, versions = month.compare()
    return {
        "runs": len(month.codes),
        "codes": month.codes,
        "alerts": month.alerts,
        "events": {str(number): name for number, name in events.items()},
        "states": len(month.stood),
        "files": files,
        "versions": versions,
        "deep_check": checked,
    }


if __name__ == "__main__":
    print(json.dumps(simulate(Path(sys.argv[1]), int(sys.argv[2]))))
