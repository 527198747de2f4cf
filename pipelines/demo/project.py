"""A software project that sessions work on: its directory, its files, and edits of them."""

import re
from dataclasses import dataclass, field

from pipelines.demo.rng import Rng
from pipelines.demo.text import Text, source_path

HOME = "/home/mira"
CLAUDE = f"{HOME}/.claude"


@dataclass(frozen=True)
class Edit:
    """One edit of a file: the old and the new lines, and the whole file before and after."""

    path: str
    old: str
    new: str
    before: str
    after: str
    patch: list[dict[str, object]]


@dataclass
class Project:
    """A working directory with its source files, by their path relative to it (native separators)."""

    cwd: str
    branch: str = "main"
    model: str = ""
    is_gateway: bool = False
    version: str = ""
    files: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    @property
    def separator(self) -> str:
        return "\\" if ":" in self.cwd else "/"

    @property
    def folder(self) -> str:
        """The name of its directory under projects/: each character but ASCII letters and digits becomes `-`."""
        return re.sub(r"[^A-Za-z0-9]", "-", self.cwd)

    def absolute(self, path: str) -> str:
        """Return the absolute path of a file, as a string of the project's own platform."""
        return path if path.startswith("/") or path[1:2] == ":" else f"{self.cwd}{self.separator}{path}"

    def stock(self, rng: Rng, text: Text, count: int) -> None:
        """Create `count` files in the project, and one outside its directory."""
        for _ in range(count):
            self.create(rng, text)
        outside = "C:\\Users\\Mira\\notes\\ideas.md" if ":" in self.cwd else f"{HOME}/notes/ideas.md"
        self.put(outside, text.source(rng, ".md"))

    def create(self, rng: Rng, text: Text) -> tuple[str, str]:
        """Add a file; return its relative path and its content."""
        suffix = text.suffix(rng)
        path = source_path(rng, suffix).replace("/", self.separator)
        while path in self.files:
            path = path.removesuffix(suffix) + f"_{rng.below(100)}{suffix}"
        content = text.source(rng, suffix)
        self.put(path, content)
        return path, content

    def put(self, path: str, content: str) -> None:
        """Set the content of a file."""
        if path not in self.files:
            self.names.append(path)
        self.files[path] = content

    def edit(self, rng: Rng, text: Text) -> Edit:
        """Change a few lines of one file."""
        path = rng.pick(self.names)
        before = self.files[path]
        lines = before.split("\n")
        start = rng.below(max(1, len(lines) - 6))
        is_long = len(lines) > 900
        stop = min(len(lines), start + (400 if is_long else rng.between(1, 6)))
        old = lines[start:stop]
        fresh = text.snippet(rng, path[path.rindex(".") :]).split("\n")[: 1 if is_long else rng.by_quantiles(1, 4, 12)]
        head, tail = lines[max(0, start - 3) : start], lines[stop : stop + 3]
        after = "\n".join([*lines[:start], *fresh, *lines[stop:]])
        self.files[path] = after
        marked = [
            *(f" {x}" for x in head),
            *(f"-{x}" for x in old),
            *(f"+{x}" for x in fresh),
            *(f" {x}" for x in tail),
        ]
        first = max(0, start - 3) + 1
        hunk: dict[str, object] = {
            "oldStart": first,
            "oldLines": len(head) + len(old) + len(tail),
            "newStart": first,
            "newLines": len(head) + len(fresh) + len(tail),
            "lines": marked,
        }
        return Edit(path, "\n".join(old), "\n".join(fresh), before, after, [hunk])
