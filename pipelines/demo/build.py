"""Makes a sample home: first the files that every home has, then more of each kind until the wanted size."""

from pathlib import Path

from pipelines.demo import broken, debug, history, lists, plugins, projects, settings, shell, special, statistics
from pipelines.demo.commands import make_runs
from pipelines.demo.file_history import swept_session
from pipelines.demo.home import DemoHome
from pipelines.demo.rng import Rng
from pipelines.demo.session import Session
from pipelines.demo.text import Text, slug
from pipelines.demo.times import DAY_MS
from pipelines.demo.tree import Tree
from pipelines.demo.versions import NOW

SHARES = {
    "transcripts": {"projects": 0.80, "debug": 0.10, "file-history": 0.07, "small": 0.03},
    "small-files": {"projects": 0.15, "debug": 0.30, "file-history": 0.52, "small": 0.03},
}
MARKER = "demo-home.json"
_SMALL_KINDS = ("todos", "tasks", "plans", "shell-snapshots", "paste-cache")
_LEAST = 1500
_EXACT_FROM = 0.04
_SESSION_SIZES = (2000, 6000, 12_000, 22_000, 36_000, 53_000, 110_000, 250_000, 700_000, 1_900_000)


def new_home(root: Path, label: str, mb: float, mix: str, now: int) -> DemoHome:
    """Return a home without files, with its pools of prose, code and command outputs, and its projects.

    `label` seeds every random choice, `mb` is the wanted size in millions of bytes, `now` is in epoch milliseconds.
    """
    rng = Rng(label, "pools")
    scale = min(1.0, max(0.12, mb / (4 if mix == "transcripts" else 10)))
    size = int(min(6.0, 0.2 + mb * 0.02) * 1_000_000 * scale)
    text = Text(rng, size, scale)
    runs = make_runs(rng, size // 2, text.scale)
    made = projects.make_projects(rng, mb)
    largest = max(3000, min(700_000, int(mb * 4000)))
    home = DemoHome(Tree(root), text, runs, label, made, int(mb * 1_000_000), SHARES[mix], largest, now)
    for project in made:
        project.stock(rng, text, max(4, int(rng.by_quantiles(10, 16, 30) * scale)))
    return home


class Builder:
    """Calls the makers of the parts, in an order that depends on the arguments alone."""

    def __init__(self, home: DemoHome, mix: str, *, damaged: bool) -> None:
        self.home = home
        self.is_many = mix == "small-files"
        self.damaged = damaged
        self.logs = debug.DebugLogs(home, home.rng("debug"))

    def build(self) -> None:
        """Write the whole home."""
        home = self.home
        for scene in projects.SCENES:
            session = projects.play_scene(home, scene)
            self.close(session, broken.DAMAGES_BY_VERSION.get(scene.version, ()) if self.damaged else ())
        projects.write_special(home, home.rng("special"))
        self._write_constant_parts()
        self._fill_to_size()
        home.facts.sort(key=lambda fact: (fact.ended, fact.session))
        self._write_dependent_files()

    def close(self, session: Session, damages: tuple[str, ...] = ()) -> None:
        """Write a session's transcript and its other files: todo list, debug log, tasks, plan, shell snapshot."""
        home, rng = self.home, session.rng
        projects.close_session(session, damages)
        fact = home.facts[-1]
        lists.write_todos(home, rng, fact)
        size = min(rng.by_quantiles(*self._log_sizes()), max(_LEAST, home.room("debug")))
        if fact.traits.debug or rng.chance(0.03):
            self.logs.write(rng, fact.session, fact.started, size, timed=fact.traits.debug != "plain")
        if fact.traits.since(2, 1, 16) and rng.chance(0.3):
            lists.write_tasks(home, rng, fact.session, fact.ended, rng.pick((0, 0, 1, 3)))
        if fact.traits.has_slug and rng.chance(0.15):
            lists.write_plan(home, rng, fact.slug, fact.ended)
        if rng.chance(0.12):
            shell.write_snapshot(home, rng, fact.started)

    def _log_sizes(self) -> tuple[int, ...]:
        top = 60_000 if self.is_many else 4_000_000
        middle = int(20_000 * self.home.text.scale)
        return (_LEAST, middle // 2, middle, 6 * middle, min(top, max(6 * middle, self.home.target // 60)))

    def _write_constant_parts(self) -> None:
        home = self.home
        rng = home.rng("constants")
        history.every_shape(home, rng)
        history.vanished_prompts(home, rng, 40)
        lists.left_todos(home, rng, 20)
        lists.write_team(home, rng)
        shell.write_first_snapshots(home, rng)
        lists.write_tasks(home, rng, home.facts[-1].session, home.now - DAY_MS, 2)
        lists.write_plan(home, rng, home.facts[9].slug, home.facts[9].ended)
        swept_session(home, rng, home.projects[0], int(20_000 * home.text.scale), 3000)
        self.logs.special(rng)
        if self.damaged:
            broken.write_broken_lists(home, rng)
            self.logs.invalid(rng)
        settings.write_settings(home, rng)
        settings.write_secrets(home, rng)
        plugins.write_plugins(home, rng)
        statistics.write_statsig(home, rng)

    def _fill_to_size(self) -> None:
        """Add to the kind that is furthest below its share, until no further file fits."""
        home = self.home
        rng = home.rng("fill")
        while (left := home.target - self._reserve() - home.total) > _LEAST:
            small = int(home.shares["small"] * home.target) - sum(home.tree.kinds[kind] for kind in _SMALL_KINDS)
            rooms = {kind: home.room(kind) for kind in ("projects", "debug", "file-history")} | {"small": small}
            kind = max(rooms, key=lambda kind: rooms[kind])
            if left < home.target * _EXACT_FROM:
                self._add("debug", rng, left)  # the size of a log is exact to one line; other kinds overshoot
            else:
                self._add(kind, rng, min(left, max(rooms[kind], _LEAST)))

    def _reserve(self) -> int:
        return 6000 + 120 * min(300, len(self.home.facts))

    def _add(self, kind: str, rng: Rng, room: int) -> None:
        home = self.home
        if kind == "projects":
            top = 200_000 if self.is_many else max(600_000, min(60_000_000, home.target // 12))
            budget = min(room * 3 // 4, rng.by_quantiles(*(min(size, top) for size in _SESSION_SIZES), top))
            self.close(projects.filler(home, rng, budget))
        elif kind == "debug":
            size = min(room, rng.by_quantiles(*self._log_sizes()))
            self.logs.write(rng, rng.uuid(), home.now - rng.between(150, 230) * DAY_MS, size)
        elif kind == "file-history":
            swept_session(home, rng, rng.pick(home.projects), min(room, 400_000), 12_000 if self.is_many else 60_000)
        else:
            self._add_small(rng)

    def _add_small(self, rng: Rng) -> None:
        home = self.home
        ms = home.now - rng.between(30, 300) * DAY_MS
        lists.left_todos(home, rng, 30 if self.is_many else 6)
        lists.write_tasks(home, rng, rng.uuid(), ms, rng.between(0, 3))
        lists.write_plan(home, rng, slug(rng) + f"-{rng.hexa(4)}", ms)
        shell.write_snapshot(home, rng, ms + rng.below(DAY_MS))
        history.vanished_prompts(home, rng, 12)

    def _write_dependent_files(self) -> None:
        """Write the files that depend on all sessions: indexes, statistics, history."""
        home = self.home
        rng = home.rng("last")
        special.indexes(home)
        settings.write_processes(home, rng, damaged=self.damaged)
        settings.write_leftovers(home, rng)
        shell.write_environments(home, rng)
        statistics.write_usage_data(home, rng)
        statistics.write_telemetry(home, rng)
        home.tree.json("stats-cache.json", statistics.stats(home.facts, home.now), home.now - DAY_MS, mode=0o600)
        history.write_history(home)
        self.logs.latest()


def build(root: Path, *, mb: float, seed: int, damaged: bool, mix: str) -> DemoHome:
    """Make a home of about `mb` million bytes in `root`, an existing empty directory."""
    label = f"{seed}/{float(mb)!r}/{mix}"
    home = new_home(root, label, mb, mix, NOW)
    Builder(home, mix, damaged=damaged).build()
    marker = {
        "made_by": "extract demo",
        "note": "Nothing in this home is real.",
        "mb": float(mb),
        "mix": mix,
        "weeks": 0,
    }
    home.tree.json(MARKER, marker, NOW)
    home.tree.finish()
    return home
