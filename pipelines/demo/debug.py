"""debug/<session>.txt: the log of a session. Claude Code writes time stamps into it since about 2.0.7x."""

from pipelines.demo import words
from pipelines.demo.home import DemoHome
from pipelines.demo.project import CLAUDE
from pipelines.demo.rng import Rng
from pipelines.demo.text import Blanks
from pipelines.demo.times import DAY_MS, iso

_FREQUENT = (
    "[DEBUG] High write ratio: blit={number}, write={number2} ({number3}.4% writes), screen=120x48",
    "[DEBUG] [ToolSearch:optimistic] mode=standard, ENABLE_TOOL_SEARCH=undefined, result=false",
    "[DEBUG] Found {number} hook matchers in settings",
    "[DEBUG] [API:request] Creating client, session {hex}",
    "[DEBUG] [API:auth] token check done in {number}ms",
    "[DEBUG] Stream started - received first chunk",
)
_USUAL = (
    "[DEBUG] Getting matching hook commands for PreToolUse with query: Read",
    "[DEBUG] executePreToolHooks called for tool: Bash",
    '[DEBUG] Matched 0 unique hooks for query "{noun}" ({number} before deduplication)',
    "[DEBUG] LSP Diagnostics: Checking registry - {number} pending",
    "[DEBUG] FileHistory: Tracked file modification for /home/mira/work/{path}",
    "[DEBUG] Writing to temp file: /home/mira/work/{path}.tmp.{number}.{number2}",
    "[DEBUG] Temp file written successfully, size: {number} bytes",
    "[DEBUG] [render] slow frame: {number}ms, {adjective} {noun}",
    '[DEBUG] MCP server "issue-tracker": {verb} {noun} took {number}ms',
    "[DEBUG] autocompact: tokens={number}{number2} threshold=167000",
    "[WARN] Streaming stall detected: {number}.2s gap between events",
    "[INFO] {title} {noun2}",
    "[DEBUG] AutoUpdater: checked for {adjective} version, {number}ms",
)
_FATAL = (
    "[ERROR] Error: Error: {error}\n"
    "    at {camel} (/$bunfs/root/claude:{number}:{number2})\n"
    "    at native:{number}:{number2}"
)
_LONG = (
    _FATAL,
    "[ERROR] Hook {noun} printed on stderr:\nwarning: {short}\n\nhint: {comment}\n  --> {path}:{number}:{number2}",
    (
        '[DEBUG] Applying permission update:\n{{\n  "behavior": "allow",\n'
        '  "rules": [\n    "Bash({verb}:*)"\n  ],\n  "count": {number}\n}}'
    ),
    "[DEBUG] Skill {noun}-{noun2} loaded:\n# {title}\n\n{sentence}\n\n- {sentence2}",
)


def make_bodies(rng: Rng, count: int) -> list[str]:
    """Return `count` log messages to pick from; one in thirty has continuation lines, a few are frequent."""
    bodies = []
    for number in range(count):
        templates = _LONG if number % 30 == 0 else _USUAL if number % 2 else _FREQUENT
        blanks = Blanks(rng)
        blanks["hex"] = rng.hexa(8)
        bodies.append(rng.pick(templates).format_map(blanks))
    bodies.append("[DEBUG] " + " ".join(rng.pick(words.NOUNS) for _ in range(900)))
    return bodies


def log(rng: Rng, bodies: list[str], ms: int, size: int, *, timed: bool) -> tuple[bytes, int, int]:
    """Return a log of about `size` bytes, the number of its entries, and the epoch milliseconds of the last one."""
    parts: list[str] = []
    have = 0
    pick, below = rng.pick, rng.below
    while have < size:
        body = pick(bodies)
        ms += below(900)
        part = f"{iso(ms)} {body}\n" if timed else f"{body}\n"
        parts.append(part)
        have += len(part)
    return "".join(parts).encode(), len(parts), ms


class DebugLogs:
    """Writes the logs of a home."""

    def __init__(self, home: DemoHome, rng: Rng) -> None:
        self._home = home
        self._bodies = make_bodies(rng, max(300, min(6000, home.target // 2000)))
        self._newest = (0, "", b"")

    def write(self, rng: Rng, session: str, ms: int, size: int, *, timed: bool = True) -> str:
        """Write the log of one session; return its path."""
        data, entries, last = log(rng, self._bodies, ms, size, timed=timed)
        return self.put(session, data, entries, last)

    def put(self, session: str, data: bytes, entries: int, ms: int) -> str:
        """Write `data` as the log of a session; return its path."""
        path = f"debug/{session}.txt"
        self._home.tree.write(path, data, ms, entries=entries, mode=0o644)
        self._newest = max(self._newest, (ms, path, data), key=lambda item: item[:2])
        return path

    def special(self, rng: Rng) -> None:
        """Write an empty log, one that begins in the middle of an entry, and one with CRLF inside an entry."""
        tree, ms = self._home.tree, self._home.now - 200 * DAY_MS
        self.put(rng.uuid(), b"", 0, ms)
        data, entries, last = log(rng, self._bodies, ms, 900, timed=False)
        path = self.put(rng.uuid(), b"    at processTicks (native:7:39)\n" + data, entries + 1, last)
        tree.plant("debug_preamble", path, "a log whose first line belongs to no entry", 0, 34)
        data, entries, last = log(rng, self._bodies, ms, 900, timed=True)
        entry = f"{iso(last)} [DEBUG] output was:\r\nfirst\r\n\r\nsecond\r\n".encode()
        path = self.put(rng.uuid(), data + entry, entries + 1, last)
        tree.plant("debug_crlf", path, "a log entry with CRLF in its continuation lines", len(data), len(entry))

    def invalid(self, rng: Rng) -> None:
        """Write a log with bytes that are not valid UTF-8."""
        data, entries, last = log(rng, self._bodies, self._home.now - 190 * DAY_MS, 900, timed=True)
        entry = f"{iso(last)} [DEBUG] stdout: ".encode() + b"caf\xe9 \xff\xfe\n"
        path = self.put(rng.uuid(), data + entry, entries + 1, last)
        self._home.tree.plant("invalid_utf8", path, "a log entry with bytes that are no UTF-8", len(data), len(entry))

    def latest(self) -> None:
        """Make `debug/latest`: an absolute link to the newest log, or a copy where links are not allowed.

        The link dangles on any other machine, as it does in homes that were copied.
        """
        ms, path, data = self._newest
        if self._home.tree.link("debug/latest", f"{CLAUDE}/{path}", ms):
            self._home.tree.plant("dangling_link", "debug/latest", "an absolute symbolic link to nowhere")
            return
        self._home.tree.write("debug/latest", data, ms, mode=0o644)
        self._home.tree.plant(
            "latest_copy", "debug/latest", "a copy of the newest log in place of a link", 0, len(data)
        )
