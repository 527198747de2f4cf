"""todos/, tasks/, plans/ and teams/: the work that sessions planned."""

import orjson

from pipelines.demo.home import DemoHome, SessionFacts
from pipelines.demo.rng import Rng
from pipelines.demo.text import fill, slug
from pipelines.demo.times import DAY_MS, iso
from pipelines.demo.tools import todo_item
from pipelines.demo.transcript import Record
from pipelines.demo.versions import Traits, traits

_SCHEMAS = ("1.0.17", "1.0.98", "2.0.21")


def write_todos(home: DemoHome, rng: Rng, fact: SessionFacts) -> None:
    """Write the todo list of a session (nearly always empty at its end), and rarely one of a subagent."""
    if not fact.traits.since(2, 1, 112):
        items = [] if rng.chance(0.94) else [todo_item(rng, fact.traits, index) for index in range(3)]
        _todo(home, f"{fact.session}-agent-{fact.session}", items, fact.ended)
        if rng.chance(0.05):
            _todo(home, f"{fact.session}-agent-{rng.hexa(7)}", [], fact.ended)


def _todo(home: DemoHome, name: str, items: list[Record], ms: int) -> None:
    home.tree.write(f"todos/{name}.json", orjson.dumps(items, option=orjson.OPT_INDENT_2), ms, mode=0o644)


def open_todos(rng: Rng, era: Traits) -> list[Record]:
    """Return the items of a todo list in progress: completed, in progress, pending."""
    return [todo_item(rng, era, index) for index in range(rng.between(2, 6))]


def left_todos(home: DemoHome, rng: Rng, count: int) -> None:
    """Write todo lists of deleted sessions: one of each schema, one with the oldest kind of name, and empty ones."""
    for number, version in enumerate(_SCHEMAS):
        era = traits(version)
        items = [todo_item(rng, era, index) for index in range(2 + number)]
        session = rng.uuid()
        _todo(home, f"{session}-agent-{session}", items, era.released + 3 * DAY_MS)
    _todo(home, rng.uuid(), [todo_item(rng, traits("1.0.17"), 0)], traits("1.0.17").released + DAY_MS)
    _todo(home, f"{rng.uuid()}-agent-{rng.uuid()}", [], traits("2.0.15").released)
    for _ in range(count):
        session = rng.uuid()
        _todo(home, f"{session}-agent-{session}", [], home.now - rng.between(120, 320) * DAY_MS)


def write_tasks(home: DemoHome, rng: Rng, session: str, ms: int, count: int) -> None:
    """Write a session's open tasks, its lock file, and the file with its highest task number."""
    folder = f"tasks/{session}"
    home.tree.write(f"{folder}/.lock", b"", ms - 5000, mode=0o644)
    highest = count + rng.between(0, 9)
    if highest:
        home.tree.write(f"{folder}/.highwatermark", str(highest).encode(), ms - 4000, mode=0o644)
    for number in range(highest - count + 1, highest + 1):
        subject = fill(rng, "{title} {noun2}")
        task: Record = {"id": str(number), "subject": subject, "description": home.text.sentences(rng, 1)}
        if rng.chance(0.7):
            task["activeForm"] = f"Doing: {subject}"
        task |= {"status": rng.pick(("pending", "in_progress")), "blocks": [], "blockedBy": []}
        if rng.chance(0.2):
            task |= {"owner": "builder", "metadata": {"priority": 2}}
        home.tree.json(f"{folder}/{number}.json", task, ms)


def write_plan(home: DemoHome, rng: Rng, name: str, ms: int) -> None:
    """Write a plan under `name`, unless one exists: two sessions can have the same name."""
    if home.tree.has(f"plans/{name}.md"):
        return
    steps = "\n".join(f"{number}. {home.text.sentences(rng, 1)}" for number in range(1, 6))
    text = f"# {fill(rng, '{title} {noun2}')}\n\n{home.text.prose(rng, 2)}\n\n## Steps\n\n{steps}\n"
    home.tree.text(f"plans/{name}.md", text, ms)


def write_team(home: DemoHome, rng: Rng) -> None:
    """Write one team: its members, and the messages in their inboxes."""
    team, ms = slug(rng), home.now - 20 * DAY_MS
    members: list[Record] = []
    for name, color in (("team-lead", "blue"), ("builder", "green")):
        member: Record = {"agentId": f"{name}@{team}", "name": name, "agentType": "general-purpose", "color": color}
        members.append(
            member | {"model": "claude-opus-4-7", "joinedAt": ms, "tmuxPaneId": "%1", "cwd": home.projects[0].cwd}
        )
    config: Record = {"name": team, "description": home.text.sentences(rng, 1), "createdAt": ms}
    home.tree.json(f"teams/{team}/config.json", config | {"leadAgentId": f"team-lead@{team}", "members": members}, ms)
    order = orjson.dumps({"type": "task_assignment", "taskId": "1", "subject": "Start"}).decode()
    messages: list[Record] = [
        {"from": "team-lead", "text": order, "timestamp": iso(ms + 1000), "read": True},
        {
            "from": "team-lead",
            "text": home.text.sentences(rng, 2),
            "summary": "Go on",
            "timestamp": iso(ms + 9000),
            "read": False,
        },
    ]
    home.tree.json(f"teams/{team}/inboxes/builder.json", messages, ms + 9000)
    write_tasks(home, rng, team, ms + 2000, 2)
