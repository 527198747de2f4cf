"""Files of projects/ beside plain sessions: copies, orphans, files without messages, foreign trees, memory."""

import orjson

from pipelines.demo.home import DemoHome, SessionFacts
from pipelines.demo.rng import Rng
from pipelines.demo.text import fill
from pipelines.demo.times import DAY_MS, iso
from pipelines.demo.transcript import Record, Transcript
from pipelines.demo.versions import traits


def _lines(home: DemoHome, fact: SessionFacts, count: int) -> list[Record]:
    """Return the first `count` records of a written, undamaged transcript."""
    data = (home.tree.root / fact.path).read_bytes()
    return [orjson.loads(line) for line in data.split(b"\n")[:count]]


def _fact(home: DemoHome, version: str) -> SessionFacts:
    return next(fact for fact in home.facts if fact.traits.version == version)


def _write(home: DemoHome, path: str, records: list[Record], ms: int) -> None:
    data = b"".join(orjson.dumps(record) + b"\n" for record in records)
    home.tree.write(path, data, ms, entries=len(records))


def fork(home: DemoHome, rng: Rng) -> None:
    """Write a fork: copies of another session's records with the same uuids, then records of its own."""
    origin = _fact(home, "2.1.177")
    session, records = rng.uuid(), []
    for record in _lines(home, origin, 8):
        if "uuid" in record:
            source = {"sessionId": origin.session, "messageUuid": record["uuid"]}
            records.append(record | {"sessionId": session, "forkedFrom": source})
    own = Transcript(rng, origin.traits, origin.project, session, origin.ended + DAY_MS)
    own.parent = str(records[-1]["uuid"])
    own.user("try it the other way round")
    own.respond([{"type": "text", "text": home.text.sentences(rng, 2)}], "end_turn", 60)
    records += [orjson.loads(line) for line in own.lines]
    path = f"projects/{origin.project.folder}/{session}.jsonl"
    _write(home, path, records, own.ms)
    home.keep(own, path)
    home.tree.plant("fork", path, f"records of {origin.session} with the same uuids")


def second_directory(home: DemoHome, rng: Rng) -> None:
    """Write the beginning of a session a second time, under the directory of a worktree."""
    origin = _fact(home, "2.1.112")
    path = f"projects/{origin.project.folder}--claude-worktrees-{fill(rng, '{noun}')}/{origin.session}.jsonl"
    _write(home, path, _lines(home, origin, 5), origin.ended)
    home.tree.plant("same_session_twice", path, "the same session in a second directory")


def without_messages(home: DemoHome, rng: Rng) -> None:
    """Write transcripts without any message: one with checkpoints, one with summaries, one with a title."""
    folder, ms = home.projects[0].folder, traits("2.1.19").released
    checkpoints: list[Record] = []
    for number in range(3):
        message = rng.uuid()
        snapshot = {"messageId": message, "trackedFileBackups": {}, "timestamp": iso(ms + number)}
        record: Record = {"type": "file-history-snapshot", "messageId": message, "snapshot": snapshot}
        checkpoints.append(record | {"isSnapshotUpdate": False})
    summary = fill(rng, "{title} {noun2}")
    summaries: list[Record] = [{"type": "summary", "summary": summary, "leafUuid": rng.uuid()} for _ in range(2)]
    session = rng.uuid()
    titles: list[Record] = [{"type": "ai-title", "aiTitle": fill(rng, "{title}"), "sessionId": session}]
    for name, records in ((rng.uuid(), checkpoints), (rng.uuid(), summaries), (session, titles)):
        path = f"projects/{folder}/{name}.jsonl"
        _write(home, path, records, ms)
        home.tree.plant("no_messages", path, "a transcript without a message")
    home.tree.write(f"projects/{folder}/{rng.uuid()}.jsonl", b"", ms, entries=0)


def orphans(home: DemoHome, rng: Rng) -> None:
    """Write subagents of a session whose transcript is deleted, and a tool output that no record refers to."""
    project, session = home.projects[0], rng.uuid()
    era = traits("2.1.61")
    child = Transcript(rng, era, project, session, era.released, agent=f"a{rng.hexa(16)}")
    child.user("Find the callers.", parent=None)
    child.respond([{"type": "text", "text": home.text.sentences(rng, 3)}], "end_turn", 90)
    folder = f"projects/{project.folder}/{session}"
    path = f"{folder}/subagents/agent-{child.agent}.jsonl"
    home.tree.write(path, child.data(), child.ms, entries=len(child.lines))
    home.tree.plant("orphan_subagent", path, "a subagent without its parent's transcript")
    home.tree.text(f"{folder}/tool-results/b{rng.hexa(8)}.txt", home.text.prose(rng, 3), child.ms)


def compaction_agent(home: DemoHome, rng: Rng) -> None:
    """Write the transcripts of the subagents that compaction and prompt suggestion use."""
    fact = _fact(home, "2.1.78")
    for prefix, digits in (("acompact-", 16), ("aprompt_suggestion-", 6)):
        agent = prefix + rng.hexa(digits)
        child = Transcript(rng, fact.traits, fact.project, fact.session, fact.ended, agent=agent)
        child.user("Sum up.", parent=None)
        child.respond([{"type": "text", "text": home.text.sentences(rng, 2)}], "end_turn", 80)
        path = f"projects/{fact.project.folder}/{fact.session}/subagents/agent-{agent}.jsonl"
        home.tree.write(path, child.data(), child.ms, entries=len(child.lines))


def foreign(home: DemoHome, rng: Rng) -> None:
    """Write files under projects/ that a user, not Claude Code, put there."""
    ms, folder = home.now - 80 * DAY_MS, "projects/my-notebooks"
    rows = [{"step": step, "loss": 1 / (step + 2), "note": fill(rng, "{noun}")} for step in range(20)]
    home.tree.lines(f"{folder}/runs/2026-05/metrics.jsonl", rows, ms)
    home.tree.json(f"{folder}/config.json", {"type": "user", "message": "not a transcript"}, ms)
    home.tree.text(f"{folder}/train.py", home.text.source(rng, ".py", 40), ms)
    home.tree.text("projects/.DS_Store", "\x00\x00\x00\x01Bud1\x00", ms)
    home.tree.plant("foreign_tree", folder, "a person's own files below projects/")


def set_aside(home: DemoHome, rng: Rng) -> None:
    """Write superseded and orphaned copies of transcripts, the journal of a workflow, and binary tool outputs."""
    fact = _fact(home, "2.1.177")
    folder, ms = f"projects/{fact.project.folder}", fact.ended
    copy = b"".join(orjson.dumps(record) + b"\n" for record in _lines(home, fact, 3))
    home.tree.write(f"{folder}/{fact.session}.orphaned-{ms}-{rng.hexa(4)}.jsonl", copy, ms)
    home.tree.write(f"{folder}/{fact.session}.jsonl.superseded-{ms}", copy, ms)
    inside = f"{folder}/{fact.session}"
    steps = [{"type": "started", "key": "a", "agentId": "a1"}, {"type": "result", "key": "a", "result": {"ok": True}}]
    home.tree.lines(f"{inside}/subagents/journal.jsonl", steps, ms)
    home.tree.json(f"{inside}/workflows/wf_{rng.hexa(8)}.json", {"name": "demo", "status": "completed"}, ms)
    page = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + rng.octets(300) + b"\xff\xd9"
    home.tree.write(f"{inside}/tool-results/pdf-{rng.uuid()}/page-01.jpg", page, ms)
    archive = b"PK\x05\x06" + bytes(18)
    home.tree.write(f"{inside}/tool-results/webfetch-{ms}-{rng.hexa(6)}.zip", archive, ms)


def memory(home: DemoHome, rng: Rng) -> None:
    """Write the memory of two projects."""
    for project in home.projects[:2]:
        folder, ms = f"projects/{project.folder}/memory", home.now - 9 * DAY_MS
        home.tree.text(f"{folder}/MEMORY.md", "# Memory Index\n\n- [Style](style.md) — short names\n", ms)
        home.tree.text(f"{folder}/style.md", f"---\ntype: feedback\n---\n\n{home.text.prose(rng, 2)}\n", ms)


def indexes(home: DemoHome) -> None:
    """Write the sessions-index.json that versions of early 2026 kept, with the title of a deleted session."""
    for project in home.projects[:3]:
        entries: list[Record] = []
        facts = [f for f in home.facts if f.project is project and f.traits.within((2, 1), (2, 1, 39))]
        for fact in facts[:50]:
            entry: Record = {
                "sessionId": fact.session,
                "fullPath": f"/home/mira/.claude/{fact.path}",
                "fileMtime": fact.ended,
            }
            entry |= {"firstPrompt": fact.counts.first_prompt[:200], "summary": fact.slug.replace("-", " ")}
            entry |= {"messageCount": fact.counts.messages, "created": iso(fact.started), "modified": iso(fact.ended)}
            entries.append(entry | {"gitBranch": project.branch, "projectPath": project.cwd, "isSidechain": False})
        ms = max((fact.ended for fact in facts), default=traits("2.1.2").released)
        gone = home.rng("index").uuid()
        lost: Record = {"sessionId": gone, "fullPath": f"/home/mira/.claude/projects/{project.folder}/{gone}.jsonl"}
        lost |= {"fileMtime": ms - DAY_MS, "firstPrompt": "look at this", "summary": "A session that is gone"}
        lost |= {"messageCount": 4, "created": iso(ms - DAY_MS), "modified": iso(ms - DAY_MS), "gitBranch": "main"}
        entries.append(lost | {"projectPath": project.cwd, "isSidechain": False})
        index = {"version": 1, "entries": entries, "originalPath": project.cwd}
        home.tree.json(f"projects/{project.folder}/sessions-index.json", index, ms, mode=0o600)
