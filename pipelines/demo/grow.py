"""A week of use of a sample home: appends lines, adds sessions, rewrites settings, deletes old files."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from pipelines.demo import debug, projects, settings, statistics
from pipelines.demo.build import MARKER, Builder, new_home
from pipelines.demo.home import DemoHome
from pipelines.demo.lists import open_todos
from pipelines.demo.project import Project
from pipelines.demo.session import Session
from pipelines.demo.times import DAY_MS, iso
from pipelines.demo.transcript import Record, Transcript
from pipelines.demo.versions import NOW, RELEASES, traits

_RESUMED = 3
_ID_LENGTH = 36
_SWEPT = ("file-history", "debug", "plans", "paste-cache", "tasks", "shell-snapshots", "backups")


@dataclass
class Growth:
    """The files that a week changed, by kind of change; paths are relative to the home, with `/`."""

    appended: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


def read_marker(root: Path) -> Record:
    """Return the content of a sample home's marker file; raise ValueError when the directory has none."""
    try:
        marker = orjson.loads((root / MARKER).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ValueError(
            f"{root} is not a sample home: it has no readable {MARKER}, so nothing in it is changed"
        ) from error
    if not isinstance(marker, dict) or marker.get("made_by") != "extract demo":
        raise ValueError(f"{root} is not a sample home: its {MARKER} does not say so, so nothing in it is changed")
    return marker


class Week:
    """The changes of one week in a sample home."""

    def __init__(self, root: Path, seed: int, fraction: float) -> None:
        self.root = root
        self.marker = read_marker(root)
        weeks = int(str(self.marker["weeks"])) + 1
        self.marker["weeks"] = weeks
        mix, mb = str(self.marker["mix"]), float(str(self.marker["mb"]))
        now = NOW + 7 * weeks * DAY_MS
        self.home: DemoHome = new_home(root, f"week/{seed}/{weeks}", mb, mix, now)
        self.rng = self.home.rng("week")
        self.growth = Growth()
        self.budget = int(fraction * sum(path.stat().st_size for path in self._files("")))
        self.builder = Builder(self.home, mix, damaged=False)

    def pass_week(self) -> Growth:
        """Make the changes; return the files that were touched."""
        before = {path.relative_to(self.root).as_posix() for path in self._files("")}
        for path in self._newest(self._transcripts())[:_RESUMED]:
            self._resume(path)
        while not self.home.facts or self.home.tree.bytes < self.budget:
            self._new_session()
        for path in self._newest(self.root.glob("debug/*.txt"))[:2]:
            self._log_on(path)
        lines = [line for _, line in sorted(self.home.history, key=lambda item: item[0])]
        self._append(self.root / "history.jsonl", b"\n".join(lines) + b"\n", self.home.now - DAY_MS)
        self._rewrite_all()
        self._sweep()
        self.home.tree.finish()
        after = {path.relative_to(self.root).as_posix() for path in self._files("")}
        self.growth.added = sorted(after - before)
        self.growth.deleted = sorted(before - after)
        return self.growth

    def _files(self, folder: str) -> list[Path]:
        found = []
        for place, folders, names in os.walk(self.root / folder):
            folders.sort()
            found += [Path(place, name) for name in sorted(names) if not Path(place, name).is_symlink()]
        return found

    def _transcripts(self) -> list[Path]:
        return [path for path in self.root.glob("projects/*/*.jsonl") if len(path.stem) == _ID_LENGTH]

    def _newest(self, paths: Iterable[Path]) -> list[Path]:
        """Return the files that end with a line feed, the newest first."""
        whole = [path for path in paths if path.stat().st_size and path.read_bytes()[-1:] == b"\n"]
        return sorted(whole, key=lambda path: (-path.stat().st_mtime_ns, path.as_posix()))

    def _append(self, path: Path, data: bytes, ms: int) -> None:
        with open(path, "ab") as file:
            file.write(data)
        os.utime(path, ns=(ms * 1_000_000, ms * 1_000_000))
        name = path.relative_to(self.root).as_posix()
        self.home.tree.bytes += len(data)
        self.home.tree.folder(name.rpartition("/")[0], ms)
        self.growth.appended.append(name)

    def _replace(self, name: str, value: object, ms: int, *, indent: bool = True) -> None:
        """Replace a file by a new one of the same name, as Claude Code does: write beside it and rename."""
        path, option = self.root / name, orjson.OPT_INDENT_2 if indent else 0
        spare = path.with_name(f"{path.name}.tmp")
        spare.write_bytes(value.encode() if isinstance(value, str) else orjson.dumps(value, option=option))
        os.chmod(spare, path.stat().st_mode & 0o777)
        os.utime(spare, ns=(ms * 1_000_000, ms * 1_000_000))
        os.replace(spare, path)
        self.home.tree.folder(name.rpartition("/")[0], ms)
        self.growth.rewritten.append(name)

    def _resume(self, path: Path) -> None:
        """Append turns to a session, after its last record."""
        last = _last_record(path.read_bytes())
        if last is None:
            return
        cwd = str(last["cwd"])
        project = next((p for p in self.home.projects if p.cwd == cwd), None) or self._project(cwd, last)
        start = self.home.now - 6 * DAY_MS + self.rng.below(DAY_MS)
        era = traits(str(last["version"]))
        transcript = Transcript(self.rng, era, project, path.stem, start, slug=str(last.get("slug", "")))
        transcript.parent = str(last["uuid"])
        session = Session(self.home, transcript, self._versions(path.stem))
        session.run(max(2000, self.budget // (3 * _RESUMED)))
        self._append(path, transcript.data(), transcript.ms)

    def _project(self, cwd: str, last: Record) -> Project:
        project = Project(cwd, str(last.get("gitBranch", "")))
        project.stock(self.rng, self.home.text, 4)
        return project

    def _versions(self, session: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for path in self.root.glob(f"file-history/{session}/*@v*"):
            hashed, _, version = path.name.partition("@v")
            found[hashed] = max(found.get(hashed, 0), int(version))
        return found

    def _new_session(self) -> None:
        version = self.rng.pick(RELEASES[-4:])[0]
        start = self.home.now - self.rng.between(1, 6) * DAY_MS
        session = projects.open_session(self.home, version, self.rng.pick(self.home.projects), ms=start)
        session.run(min(max(3000, self.budget // 4), self.rng.by_quantiles(4000, 40_000, 300_000, 2_000_000)))
        self.builder.close(session)

    def _log_on(self, path: Path) -> None:
        start = self.home.now - 2 * DAY_MS
        size = max(1500, self.budget // 20)
        timed = path.read_bytes()[:1] != b"["
        data, _, last = debug.log(self.rng, debug.make_bodies(self.rng, 200), start, size, timed=timed)
        self._append(path, data, last)

    def _rewrite_all(self) -> None:
        home, now = self.home, self.home.now
        self._replace("settings.json", settings.settings(self.rng) | {"model": self.rng.pick(("opus", "sonnet"))}, now)
        self._replace("stats-cache.json", self._statistics(), now)
        self._replace(".last-cleanup", iso(now), now)
        lists = sorted(self.root.glob("todos/*.json"))
        for path in self.rng.some(lists, 2):
            self._replace(f"todos/{path.name}", open_todos(self.rng, traits("2.1.59")), now - DAY_MS)
        home.tree.folder("", now)
        self._replace(MARKER, self.marker, now)

    def _statistics(self) -> Record:
        """Return the old statistics with those of the new sessions added."""
        old: Record = orjson.loads((self.root / "stats-cache.json").read_bytes())
        new = statistics.stats(self.home.facts, self.home.now)
        for name in ("dailyActivity", "dailyModelTokens"):
            old[name] = [*_items(old[name]), *_items(new[name])]
        for name in ("totalSessions", "totalMessages"):
            old[name] = int(str(old[name])) + int(str(new[name]))
        return old | {"lastComputedDate": new["lastComputedDate"]}

    def _sweep(self) -> None:
        """Delete the files that are older than the cleanup period, and at least one transcript."""
        period = orjson.loads((self.root / "settings.json").read_bytes())["cleanupPeriodDays"]
        limit = (self.home.now - period * DAY_MS) * 1_000_000
        found = sorted(self._transcripts(), key=lambda path: (path.stat().st_mtime_ns, path.as_posix()))
        for number, path in enumerate(found):
            if number and path.stat().st_mtime_ns >= limit:
                break
            self._delete(path)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        for folder in _SWEPT:
            for path in self._files(folder):
                if path.stat().st_mtime_ns < limit:
                    self._delete(path)

    def _delete(self, path: Path) -> None:
        path.unlink()
        parent = path.parent
        if not any(parent.iterdir()):
            self.home.tree.without_folder(parent.relative_to(self.root).as_posix())
            parent = parent.parent
        name = parent.relative_to(self.root).as_posix()
        self.home.tree.folder("" if name == "." else name, self.home.now)


def _items(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _last_record(data: bytes) -> Record | None:
    """Return the last record of a transcript that is valid JSON and has an envelope."""
    for line in reversed(data.split(b"\n")):
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict) and {"uuid", "version", "cwd"} <= record.keys():
            return record
    return None


def grow(root: Path, seed: int, fraction: float) -> Growth:
    """Change the sample home under `root` as a week of use would; see `pipelines.demo.demo.grow_home`."""
    week = Week(root, seed, fraction)
    return week.pass_week()
