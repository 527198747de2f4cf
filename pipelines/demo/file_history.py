"""file-history/<session>/<hash>@v<n>: files as they were before Claude changed them, and the transcript's records
of these versions."""

from hashlib import sha256

from pipelines.demo.home import DemoHome
from pipelines.demo.project import Project
from pipelines.demo.rng import Rng
from pipelines.demo.text import image
from pipelines.demo.times import DAY_MS, iso
from pipelines.demo.transcript import Record, Transcript

_MOST_TRACKED = 40
_ALWAYS_TRACKED = 2


def path_hash(absolute: str) -> str:
    """Return the `<hash>` under which Claude Code keeps the versions of the file with this absolute path."""
    return sha256(absolute.encode()).hexdigest()[:16]


class FileHistory:
    """The checkpoints of one session."""

    def __init__(self, home: DemoHome, transcript: Transcript, versions: dict[str, int] | None = None) -> None:
        self._home = home
        self._transcript = transcript
        self._versions = dict(versions or {})
        self._tracked: dict[str, Record] = {}
        self._dirty: set[str] = set()
        self._prompt = ""
        self._prompt_ms = 0

    def snapshot(self, prompt: str) -> None:
        """Write the checkpoint of a prompt: each file changed since the previous one, and a record of all files."""
        for path in sorted(self._dirty):
            self._back_up(path, self._transcript.project.files[path].encode())
        self._dirty.clear()
        self._prompt, self._prompt_ms = prompt, self._transcript.ms
        self._transcript.add(self._record(prompt, is_update=False))

    def touch(self, path: str, before: str | None, message: str) -> None:
        """Record that Claude is about to change a file; back it up if this is its first change in the session."""
        if path not in self._tracked:
            count = len(self._tracked)
            if count >= _MOST_TRACKED or (count >= _ALWAYS_TRACKED and self._home.room("file-history") <= 0):
                return
            self._back_up(path, None if before is None else before.encode())
            self._increment(path, message)
        self._dirty.add(path)

    def touch_binary(self, message: str) -> None:
        """Back up an image: a file version that is not text."""
        rng = self._transcript.rng
        path = f"assets{self._transcript.project.separator}logo-{rng.hexa(4)}.png"
        self._back_up(path, image(rng, 700) + b"\r\n\x00\xff\xfe\n")
        self._increment(path, message)

    def _increment(self, path: str, message: str) -> None:
        if self._transcript.traits.since(2, 1, 217):
            self._transcript.add(self._delta(path, message))
        else:
            self._transcript.add(self._record(message, is_update=True))

    def _back_up(self, path: str, content: bytes | None) -> None:
        project, transcript = self._transcript.project, self._transcript
        absolute = project.absolute(path)
        hashed = path_hash(absolute)
        version = self._versions.get(hashed, 0) + 1
        self._versions[hashed] = version
        name = f"{hashed}@v{version}" if content is not None else None
        if content is not None:
            self._home.tree.write(f"file-history/{transcript.session}/{name}", content, transcript.ms, mode=0o644)
        backup: Record = {"backupFileName": name, "version": version, "backupTime": iso(transcript.ms)}
        if transcript.traits.since(2, 1, 207):
            backup["realParentDir"] = absolute.rpartition(project.separator)[0]
        self._tracked[path] = backup

    def _record(self, message: str, *, is_update: bool) -> Record:
        snapshot = {
            "messageId": self._prompt if is_update else message,
            "trackedFileBackups": self._tracked,
            "timestamp": iso(self._prompt_ms),
        }
        return {
            "type": "file-history-snapshot",
            "messageId": message,
            "snapshot": snapshot,
            "isSnapshotUpdate": is_update,
        }

    def _delta(self, path: str, message: str) -> Record:
        return {
            "type": "file-history-delta",
            "messageId": message,
            "snapshotMessageId": self._prompt,
            "trackingPath": path,
            "backup": self._tracked[path],
            "timestamp": iso(self._transcript.tick(1, 20)),
        }


def swept_session(home: DemoHome, rng: Rng, project: Project, size: int, largest: int) -> None:
    """Write up to `size` bytes of file versions of a session whose transcript has been deleted."""
    session, ms = rng.uuid(), home.now - rng.between(2, 300) * DAY_MS - rng.below(DAY_MS)
    for path in rng.some(project.names, len(project.names)):
        content = project.files[path]
        hashed = path_hash(project.absolute(path))
        for version in range(1, rng.by_quantiles(2, 3, 5, 9, 30)):
            data = content[: rng.between(200, largest)].encode()
            size -= len(data)
            if size < 0:
                return
            home.tree.write(f"file-history/{session}/{hashed}@v{version}", data, ms + version * 60_000, mode=0o644)
            content = home.text.snippet(rng, path[path.rindex(".") :]) + content
