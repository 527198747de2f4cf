"""history.jsonl and paste-cache/: the prompts that a user typed, and the texts pasted into them."""

from hashlib import sha256

from pipelines.demo import words
from pipelines.demo.home import DemoHome
from pipelines.demo.project import Project
from pipelines.demo.rng import Rng
from pipelines.demo.times import DAY_MS, at
from pipelines.demo.transcript import Record

FIRST = at("2025-10-01")
SESSION_IDS_FROM = at("2025-11-02")
PASTE_CACHE_FROM = at("2026-01-08")
_INLINE_MOST = 1024


def typed(home: DemoHome, rng: Rng, project: Project, session: str, ms: int, text: str) -> str:
    """Add the line of history for a prompt; return the prompt with the pasted text in the place of its marker."""
    if ms < FIRST:
        return text
    pasted: Record = {}
    display, full = text, text
    if rng.chance(0.12):
        content = _clip(home, rng)
        mark = f"[Pasted text #1 +{content.count(chr(10))} lines]"
        display, full = f"{text} {mark}", f"{text} {content}"
        pasted = {"1": _paste(home, rng, ms, content)}
    elif rng.chance(0.02):
        display = f"{text} [Image #1]"
    line: Record = {"display": display, "pastedContents": pasted, "timestamp": ms, "project": project.cwd}
    if ms >= SESSION_IDS_FROM:
        line["sessionId"] = session
    home.prompt(ms, line)
    if rng.chance(0.01):
        home.prompt(ms, line)
    return full


def _clip(home: DemoHome, rng: Rng) -> str:
    if rng.chance(0.5):
        return rng.pick(home.runs).output or "ok"
    return home.text.source(rng, ".py", rng.between(4, 40))


def _paste(home: DemoHome, rng: Rng, ms: int, content: str, *, swept: float = 0.55) -> Record:
    paste: Record = {"id": 1, "type": "text"}
    if len(content) <= _INLINE_MOST or ms < PASTE_CACHE_FROM:
        return paste | {"content": content}
    data = content.encode()
    name = sha256(data).hexdigest()[:16]
    if not home.tree.has(f"paste-cache/{name}.txt") and not rng.chance(swept):
        home.tree.write(f"paste-cache/{name}.txt", data, ms)
    return paste | {"contentHash": name}


def vanished_prompts(home: DemoHome, rng: Rng, count: int) -> None:
    """Add lines of sessions whose transcripts have been deleted."""
    session, project, ms = rng.uuid(), rng.pick(home.projects), 0
    for number in range(count):
        if number % 6 == 0:
            session, project = rng.uuid(), rng.pick(home.projects)
            span = SESSION_IDS_FROM - FIRST if number % 18 == 0 else home.now - FIRST - 20 * DAY_MS
            ms = FIRST + rng.below(span)
        ms += rng.between(2000, 900_000)
        text = rng.pick(("/model sonnet", "/clear", "!git status", "/compact")) if rng.chance(0.2) else ""
        typed(home, rng, project, session, ms, text or home.text.prompt(rng, rng.pick(project.names)))


def every_shape(home: DemoHome, rng: Rng) -> None:
    """Add a line of each shape: an inline paste, a kept and a deleted paste, other scripts, a duplicate line."""
    project, session = home.projects[0], rng.uuid()
    long = home.text.source(rng, ".ts", 60)
    late = PASTE_CACHE_FROM + 9 * DAY_MS
    pastes = (
        _paste(home, rng, late, home.text.sentences(rng, 2)),
        _paste(home, rng, late, long, swept=0.0),
        _paste(home, rng, late, f"{long}\nswept", swept=1.0),
        _paste(home, rng, FIRST, long),
    )
    for number, paste in enumerate(pastes):
        ms = (FIRST if number == 3 else late) + number * 1000
        line: Record = {"display": "[Pasted text #1 +60 lines]", "pastedContents": {"1": paste}, "timestamp": ms}
        line["project"] = project.cwd
        home.prompt(ms, line if number == 3 else line | {"sessionId": session})
    for template in words.UNICODE_PROMPTS:
        text = template.format(noun="schema", adjective="leer", path="src/app.py", verb="")
        twice: Record = {"display": text, "pastedContents": {}, "timestamp": late + 9000, "project": project.cwd}
        home.prompt(late + 9000, twice | {"sessionId": session})
    home.prompt(late + 9000, twice | {"sessionId": session})


def write_history(home: DemoHome) -> None:
    """Write history.jsonl, sorted by time."""
    lines = [line for _, line in sorted(home.history, key=lambda item: item[0])]
    last = max(ms for ms, _ in home.history)
    home.history_bytes = 0
    home.tree.write("history.jsonl", b"\n".join(lines) + b"\n", last, entries=len(lines))
