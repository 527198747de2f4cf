"""Shell commands and their output: tests, builds, git, listings, searches, logs."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.demo import words
from pipelines.demo.rng import Rng
from pipelines.demo.text import Blanks, fill, source_path


@dataclass(frozen=True)
class Run:
    """One shell command, its description, and its output."""

    command: str
    description: str
    output: str


def _listing(rng: Rng, lines: int) -> Run:
    folder = rng.pick(("src", "tests", "docs", "lib", "."))
    rows = [f"total {rng.between(8, 900)}"]
    for _ in range(lines):
        name = source_path(rng, rng.pick((".py", ".ts", ".md", ".json"))).rsplit("/", 1)[1]
        size, day = rng.by_quantiles(40, 900, 4000, 90_000), rng.between(1, 28)
        rows.append(f"-rw-r--r-- 1 mira mira {size:7} Mar {day:2} {rng.below(24):02}:{rng.below(60):02} {name}")
    return Run(f"ls -la {folder}", "List the files", "\n".join(rows))


def _tests(rng: Rng, lines: int) -> Run:
    rows = ["============================= test session starts =============================", "platform linux"]
    for number in range(lines):
        name = fill(rng, "tests/test_{noun}.py::test_{adjective}_{noun2}_can_{verb}")
        rows.append(f"{name} PASSED{' ' * max(1, 70 - len(name))}[{100 * number // lines:3}%]")
    if rng.chance(0.4):
        rows += [
            "=================================== FAILURES ===================================",
            _trace(rng, 6).output,
        ]
    rows.append(
        f"======================== {lines} passed in {rng.between(1, 90)}.{rng.below(100):02}s ========================"
    )
    return Run("python -m pytest -v 2>&1 | tail -200", "Run the tests", "\n".join(rows))


def _trace(rng: Rng, lines: int) -> Run:
    rows = ["Traceback (most recent call last):"]
    for _ in range(max(3, lines // 2)):
        blanks = Blanks(rng)
        rows.append(f'  File "/home/mira/work/{blanks["path"]}", line {blanks["number"]}, in {blanks["ident"]}')
        rows.append(f"    {blanks['noun']} = {blanks['camel']}({blanks['noun2']}, {blanks['number2']})")
    rows.append(fill(rng, rng.pick(words.ERRORS)))
    return Run(f"python -m {rng.pick(words.NOUNS)}.main --once", "Run the program once", "\n".join(rows))


def _search(rng: Rng, lines: int) -> Run:
    word = rng.pick(words.NOUNS)
    rows = [
        fill(rng, "{path}:{number}:    {noun2} = {camel}({noun}, {adjective}={number2})", noun=word)
        for _ in range(lines)
    ]
    return Run(f"grep -rn '{word}' src | head -{lines}", f"Find uses of {word}", "\n".join(rows))


def _history(rng: Rng, lines: int) -> Run:
    rows = [f"{rng.hexa(7)} {fill(rng, '{title} in {noun2} ({path})')}" for _ in range(lines)]
    return Run(f"git log --oneline -{lines}", "Show the latest commits", "\n".join(rows))


def _difference(rng: Rng, lines: int) -> Run:
    path = source_path(rng, ".py")
    rows = [
        f"diff --git a/{path} b/{path}",
        f"index {rng.hexa(7)}..{rng.hexa(7)} 100644",
        f"--- a/{path}",
        f"+++ b/{path}",
    ]
    for _ in range(max(1, lines // 8)):
        start = rng.between(1, 400)
        rows.append(f"@@ -{start},6 +{start},8 @@ def {fill(rng, '{ident}')}():")
        rows += [fill(rng, " " + "    {noun} = {ident}({noun2})") for _ in range(3)]
        rows += [
            fill(rng, "-    return {noun}[{number}]"),
            fill(rng, "+    return {camel}({noun}, limit={number2})  # {comment}"),
        ]
    return Run("git diff", "Show the changes", "\n".join(rows))


def _build(rng: Rng, lines: int) -> Run:
    rows = ["> build", "> vite build && tsc --noEmit", ""]
    for _ in range(lines):
        size = rng.by_quantiles(1, 9, 60, 900)
        rows.append(
            f"dist/assets/{rng.pick(words.NOUNS)}-{rng.token(8)}.js  {size}.{rng.below(100):02} kB │ "
            f"gzip: {size // 3}.{rng.below(100):02} kB"
        )
    rows.append(f"✓ built in {rng.between(1, 40)}.{rng.below(100):02}s")
    return Run("npm run build", "Build the frontend", "\n".join(rows))


def _log(rng: Rng, lines: int) -> Run:
    rows = []
    for number in range(lines):
        text = fill(rng, "{verb} {noun} {noun2} id={number} took={number2}ms path={path} request=") + rng.hexa(12)
        rows.append(
            f"2026-03-{1 + number % 28:02} {rng.below(24):02}:{rng.below(60):02}:{rng.below(60):02} INFO  {text}"
        )
    return Run(f"docker compose logs --tail {lines} worker", "Read the log of the worker", "\n".join(rows))


_MAKERS: tuple[Callable[[Rng, int], Run], ...] = (
    _listing,
    _tests,
    _trace,
    _search,
    _history,
    _difference,
    _build,
    _log,
    _log,
)


def make_runs(rng: Rng, size: int, scale: float) -> list[Run]:
    """Return a pool of about `size` bytes of commands with their outputs."""
    runs = [
        Run("mkdir -p build/cache", "Create the folders", ""),
        Run("git add -A && git commit -q -m wip", "Commit", ""),
    ]
    have = 0
    while have < size:
        run = rng.pick(_MAKERS)(rng, max(2, int(rng.by_quantiles(3, 12, 30, 60, 260) * scale)))
        runs.append(run)
        have += len(run.output)
    return runs
