"""projects/: the projects of a home, and the sessions that every home has, whatever its size."""

import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.demo import special, tools
from pipelines.demo.broken import MIN_LINES, damage
from pipelines.demo.home import DemoHome
from pipelines.demo.project import CLAUDE, HOME, Project
from pipelines.demo.rng import Rng
from pipelines.demo.session import Session
from pipelines.demo.subagents import agent_path, delegate
from pipelines.demo.text import fill, image, slug
from pipelines.demo.times import DAY_MS
from pipelines.demo.tools import Call, read_image
from pipelines.demo.transcript import Record, Transcript
from pipelines.demo.versions import NOW, RELEASES, traits

_FIXED = (
    Project(f"{HOME}/work/harbor-api", model=""),
    Project(f"{HOME}/work/tidepool_web", branch="feature/漂流"),
    Project(f"{HOME}/项目/数据"),
    Project(f"{HOME}/文档/图表", branch=""),
    Project("C:\\Users\\Mira\\source\\ledger", branch="HEAD"),
    Project(f"{HOME}/lab/qwen.bridge", branch="HEAD", model="glm-4.7", is_gateway=True),
    Project(CLAUDE, branch="HEAD"),
)


def make_projects(rng: Rng, mb: float) -> list[Project]:
    """Return the projects of a home of `mb` million bytes: seven, and more in a large one."""
    projects = [Project(p.cwd, p.branch, p.model, p.is_gateway) for p in _FIXED]
    taken = {project.folder for project in projects}
    for _ in range(min(60, int(mb / 12))):
        cwd = f"{HOME}/work/{fill(rng, '{noun}-{noun2}')}"
        extra = Project(cwd, rng.pick(("main", "master", "develop", "")))
        if extra.folder not in taken:
            taken.add(extra.folder)
            projects.append(extra)
    return projects


def open_session(home: DemoHome, version: str, project: Project, *, session: str = "", ms: int = 0) -> Session:
    """Start a new session of a version in a project, some days after the release of the version."""
    rng = home.rng("session", version)
    era = traits(version)
    start = ms or min(era.released + rng.below(3 * DAY_MS) + 7 * 3_600_000, NOW - 3 * DAY_MS)
    name = slug(rng)
    return Session(home, Transcript(rng, era, project, session or rng.uuid(), start, slug=name))


@dataclass(frozen=True)
class Scene:
    """A session that every home has: its version, the index of its project, and the function that fills it."""

    version: str
    project: int
    act: Callable[[Session], None]


def close_session(session: Session, damages: Sequence[str] = ()) -> str:
    """Write the transcript of a session with the given damages, add its facts to the home; return its path."""
    transcript, home = session.transcript, session.home
    while damages and len(transcript.lines) < MIN_LINES:
        session.turn(0)
    path = f"projects/{transcript.project.folder}/{transcript.session}.jsonl"
    data = damage(home.tree, path, transcript, damages) if damages else transcript.data()
    home.tree.write(path, data, transcript.ms, entries=data.count(b"\n") + (data[-1:] != b"\n"))
    home.keep(transcript, path)
    return path


def _plain(session: Session) -> None:
    session.run(0)


def _every_kind(session: Session) -> None:
    session.run(0)
    session.every_kind()
    session.turn(0)


def _with_subagents(session: Session) -> None:
    session.run(0)
    delegate(session, responses=1)
    delegate(session, responses=1)
    session.answer()


def _summaries(session: Session) -> None:
    """Titles as the oldest versions kept them: `summary` records at the top that point to records of other files."""
    for _ in range(3):
        leaf = session.rng.pick(session.home.facts).last_uuid
        session.transcript.add({"type": "summary", "summary": fill(session.rng, "{title} {noun}"), "leafUuid": leaf})
    session.run(0)


def _warm_up(session: Session) -> None:
    """Versions around 2.0.2x warm up with a side chain inside the main transcript."""
    main = session.transcript
    side = Transcript(session.rng, session.traits, main.project, main.session, main.ms, sidechain=True)
    side.user("Warmup", parent=None)
    side.respond([{"type": "text", "text": "I am ready to help."}], "end_turn", 120)
    main.lines += side.lines
    main.size += side.size
    _every_kind(session)


def _images(session: Session) -> None:
    """Images in a prompt and in a result, a compaction, and an image among the file versions."""
    size = session.home.largest_image // 4
    data = binascii.b2a_base64(image(session.rng, size), newline=False).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    session.run(0)
    session.ask("what is wrong here? [Image #1]", {"imagePasteIds": [1]}, [{"type": "image", "source": source}])
    session.step(read_image(session.workbench))
    session.answer()
    if session.files:
        session.files.touch_binary(session.transcript.parent or "")
    session.every_kind()


def _cleared(session: Session) -> None:
    """After /clear the first records have the id of the previous session; the last but one is before its parent."""
    main = session.transcript
    own, main.session = main.session, session.rng.uuid()
    main.envelope()
    main.user("<command-name>/clear</command-name>")
    main.session = own
    main.envelope()
    session.run(0)
    main.lines[-2:] = [main.lines[-1], main.lines[-2]]


def _drift(session: Session) -> None:
    """Fields and a record type that no known version of Claude Code writes."""
    transcript = session.transcript
    session.run(0)
    path = f"projects/{transcript.project.folder}/{transcript.session}.jsonl"
    unknown: Record = {
        "type": "orbit-marker",
        "sessionId": transcript.session,
        "orbit": {"phase": 3, "tags": ["a", None]},
    }
    start = transcript.size
    transcript.add(unknown)
    session.home.tree.plant("unknown_type", path, "a record of an unknown type", start, transcript.size - start - 1)
    start = transcript.size
    transcript.user("a prompt of tomorrow", {"quantumHint": {"level": 2}, "lanes": [1, 2.5, "x"]})
    session.home.tree.plant("unknown_field", path, "a record with unknown fields", start, transcript.size - start - 1)
    session.answer()


def _spill(session: Session) -> None:
    """A tool output so long that Claude Code keeps it in a file of its own."""
    session.run(0)
    long = "\n".join(run.output for run in session.workbench.runs[2:12])
    result: dict[str, object] = {"stdout": long[:200], "stderr": "", "interrupted": False, "isImage": False}
    session.step(Call("Bash", {"command": "cat log", "description": "Show the log"}, "", result, spill=long))
    session.answer()
    transcript = session.transcript
    folder = f"projects/{transcript.project.folder}/{transcript.session}/tool-results"
    session.home.tree.text(f"{folder}/mcp-issue-tracker-search-{transcript.ms}.txt", long[:700], transcript.ms)


def _forked_agent(session: Session) -> None:
    """A subagent that starts with its parent's context: its first line names the parent's record."""
    _every_kind(session)
    main = session.transcript
    agent = f"areview-{session.rng.hexa(16)}"
    child = Transcript(session.rng, session.traits, main.project, main.session, main.ms, agent=agent)
    context: Record = {"parentSessionId": main.session, "parentLastUuid": main.parent, "contextLength": len(main.lines)}
    child.add({"type": "fork-context-ref", "agentId": agent} | context)
    child.user("Go on from here.", parent=main.parent)
    child.respond([{"type": "text", "text": "Done."}], "end_turn", 40)
    path = agent_path(session.traits, main.project.folder, main.session, agent)
    session.home.tree.write(path, child.data(), child.ms, entries=len(child.lines))


def _garbled(session: Session) -> None:
    """Malformed tool calls of models behind gateways: a key with markup, a command as a key, a missing argument."""
    session.run(0)
    task: Record = {"subject": "Start", "TaskCreate<arg_key>activeForm": "Starting"}
    session.step(tools.failed("TaskCreate", task, "InputValidationError: description is required"))
    command: Record = {"cd /home/mira/lab && for f in *.log; do grep -c ERROR $f; done": True, "description": "Count"}
    session.step(tools.failed("Bash", command, "InputValidationError: command is required"))
    session.step(tools.failed("Edit", {"file_path": "README.md", "new_string": "x"}, "old_string is required"))
    search = f"srvtoolu_{session.rng.hexa(20)}"
    blocks: list[Record] = [
        {"type": "thinking", "thinking": "先查一下文档。", "signature": session.rng.hexa(24)},
        {"type": "server_tool_use", "id": search, "name": "web_search", "input": {"query": "parquet page index"}},
        {"type": "tool_result", "tool_use_id": search, "content": [{"type": "text", "text": "[]"}]},
        {"type": "text", "text": "没有找到。"},
    ]
    session.transcript.respond(blocks, "end_turn", 80)


SCENES = (
    Scene("1.0.17", 0, _plain),
    Scene("1.0.98", 0, _plain),
    Scene("1.0.126", 0, _summaries),
    Scene("1.0.126", 1, _every_kind),
    Scene("2.0.21", 1, _warm_up),
    Scene("2.0.76", 1, _with_subagents),
    Scene("2.1.12", 2, _every_kind),
    Scene("2.1.27", 3, _every_kind),
    Scene("2.1.29", 0, _spill),
    Scene("2.1.39", 4, _every_kind),
    Scene("2.1.44", 5, _with_subagents),
    Scene("2.1.59", 0, _every_kind),
    Scene("2.1.70", 4, _with_subagents),
    Scene("2.1.78", 1, _with_subagents),
    Scene("2.1.112", 0, _every_kind),
    Scene("2.1.138", 5, _garbled),
    Scene("2.1.158", 1, _images),
    Scene("2.1.173", 6, _cleared),
    Scene("2.1.177", 0, _with_subagents),
    Scene("2.1.222", 0, _every_kind),
    Scene("2.1.232", 1, _forked_agent),
    Scene("2.1.241", 0, _drift),
)


def play_scene(home: DemoHome, scene: Scene) -> Session:
    """Return the session of a scene in memory; `close_session` writes it."""
    session = open_session(home, scene.version, home.projects[scene.project])
    scene.act(session)
    return session


def filler(home: DemoHome, rng: Rng, budget: int) -> Session:
    """Return a session of a random version in a random project, of about `budget` bytes, in memory."""
    version = rng.pick(RELEASES[rng.below(len(RELEASES)) :])[0]
    session = open_session(home, version, rng.pick(home.projects))
    session.run(budget)
    return session


def write_special(home: DemoHome, rng: Rng) -> None:
    """Write the other files of projects/: copies, orphans, files without messages, foreign trees, memory."""
    special.fork(home, rng)
    special.second_directory(home, rng)
    special.without_messages(home, rng)
    special.orphans(home, rng)
    special.compaction_agent(home, rng)
    special.foreign(home, rng)
    special.set_aside(home, rng)
    special.memory(home, rng)
