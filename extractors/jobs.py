"""jobs/: the agents that work in the background, what state they are in and how they came to it. Kept forever.

Seen from 2.1.150 on (FORMATS, 8). The directory bears the first 8 hex digits of the session's id. `state` and `detail`
are what the agent says of itself. Other files (`pins.json`) are archived as they are.

    jobs/96e07482/state.json
    {"state":"done","detail":"…","tempo":"idle","output":{"result":"…"},"intent":"…","sessionId":"96e07482-…",
     "cliVersion":"2.1.165","respawnFlags":["--model","haiku"],"createdAt":"2026-06-05T06:47:44.453Z",…}
    jobs/96e07482/timeline.jsonl
    {"at":"2026-05-26T14:14:00.208Z","state":"working","detail":"…","text":""}
"""

from collections.abc import Iterator

from extractors.reading.contract import Entry, Reading, Source, shape
from models.message import MessageKind
from models.schema import INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

JOBS = Table(
    "jobs",
    "One row for each job with a state.json, as it was last written.",
    (
        Column("job_id", TEXT, "The job: its directory's name.", required=True),
        Column("session_id", TEXT, "The session that does the work."),
        Column("resume_session_id", TEXT, "The session with which it is taken up again."),
        Column("state", TEXT, "working, done, failed, blocked, stopped, idle."),
        Column("detail", TEXT, "How far it is, in its own words.", is_distinct=True),
        Column("tempo", TEXT, "active, idle or blocked."),
        Column("needs", JSON, "What it needs, as JSON."),
        Column("name", TEXT, "Its name."),
        Column("name_source", TEXT, "Who gave the name."),
        Column("message_id", TEXT, "What it was asked to do (intent): joins `messages`.", is_distinct=True),
        Column("display_intent", TEXT, "The same as it is shown.", is_distinct=True),
        Column("result_message_id", TEXT, "What came out of it (output.result): joins `messages`.", is_distinct=True),
        Column("template", TEXT, "The kind of job."),
        Column("backend", TEXT, "What runs it: daemon."),
        Column("isolation", TEXT, "How it is kept apart from others (bgIsolation)."),
        Column("version", TEXT, "Version of Claude Code."),
        Column("cwd", TEXT, "Its working directory; of another system, where the home was moved."),
        Column("origin_cwd", TEXT, "The working directory that it was started from."),
        Column("worktree_path", TEXT, "The git worktree that it works in."),
        Column("worktree_branch", TEXT, "The branch of that worktree."),
        Column("token_count", INTEGER, "Tokens, as it counts them."),
        Column("created_at", INSTANT, "When it was made (UTC)."),
        Column("updated_at", INSTANT, "When it last changed, as it says (UTC)."),
        Column("first_ended_at", INSTANT, "When it first came to an end (UTC)."),
        Column("last_ended_at", INSTANT, "When it last came to an end (UTC)."),
        Column("transcript_path", TEXT, "The transcript that it is told by (linkScanPath)."),
        Column("transcript_offset", INTEGER, "How far that was read, in bytes (linkScanOffset)."),
        Column("respawn_flags", JSON, "Options with which it is started again, as a JSON list."),
        Column("in_flight", JSON, "What is under way within it, as JSON."),
        Column("fan", JSON, "The shells and agents within it, as JSON."),
        Column("children", JSON, "What it has brought forth, as a pull request, as JSON."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Fields that we do not know, as JSON."),
    ),
    is_rewritten=True,
)

JOB_EVENTS = Table(
    "job_events",
    "One row for each line of a job's timeline.jsonl: a change of its state.",
    (
        Column("job_id", TEXT, "The job: its directory's name.", required=True),
        Column("changed_at", INSTANT, "When it changed (UTC).", required=True),
        Column("state", TEXT, "working, done, failed, blocked, stopped, idle."),
        Column("detail", TEXT, "How far it was, in its own words.", is_distinct=True),
        Column("message_id", TEXT, "What it told then: joins `messages`; NULL if nothing.", is_distinct=True),
        Column("unparsed", JSON, "Fields that we do not know, as JSON."),
    ),
)


def parse_state(entry: Entry) -> Iterator[Row]:
    """Yield the one row of a job."""
    fields = entry.document()
    entry.version = fields.take_text("cliVersion")
    session_id = fields.take_text("sessionId")
    created_at = fields.take_instant("createdAt")
    intent = fields.take_text("intent")
    output = fields.take_fields("output")
    result = None if output is None else output.take_text("result")
    asked = entry.say(MessageKind.PROMPT, intent, session_id=session_id, said_at=created_at) if intent else None
    said = entry.say(MessageKind.TEXT, result, role="assistant", session_id=session_id) if result else None
    job_id = entry.names["job_id"]
    if fields.peek("daemonShort") == job_id:
        fields.take_any("daemonShort")
    yield JOBS.row(
        job_id=job_id,
        session_id=session_id,
        resume_session_id=fields.take_text("resumeSessionId"),
        state=fields.take_text("state"),
        detail=fields.take_text("detail"),
        tempo=fields.take_text("tempo"),
        needs=fields.take_json("needs"),
        name=fields.take_text("name"),
        name_source=fields.take_text("nameSource"),
        message_id=asked,
        display_intent=fields.take_text("displayIntent"),
        result_message_id=said,
        template=fields.take_text("template"),
        backend=fields.take_text("backend"),
        isolation=fields.take_text("bgIsolation"),
        version=entry.version,
        cwd=fields.take_text("cwd"),
        origin_cwd=fields.take_text("originCwd"),
        worktree_path=fields.take_text("worktreePath"),
        worktree_branch=fields.take_text("worktreeBranch"),
        token_count=fields.take_integer("tokens"),
        created_at=created_at,
        updated_at=fields.take_instant("updatedAt"),
        first_ended_at=fields.take_instant("firstTerminalAt"),
        last_ended_at=fields.take_instant("lastTerminalAt"),
        transcript_path=fields.take_text("linkScanPath"),
        transcript_offset=fields.take_integer("linkScanOffset"),
        respawn_flags=fields.take_json("respawnFlags"),
        in_flight=fields.take_json("inFlight"),
        fan=fields.take_json("fan"),
        children=fields.take_json("children"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("job"),
    )


def parse_event(entry: Entry) -> Iterator[Row]:
    """Yield the one change of state that a line holds."""
    fields = entry.fields
    changed_at = fields.need_instant("at")
    text = fields.take_text("text")
    yield JOB_EVENTS.row(
        job_id=entry.names["job_id"],
        changed_at=changed_at,
        state=fields.take_text("state"),
        detail=fields.take_text("detail"),
        message_id=entry.say(MessageKind.TEXT, text, role="assistant", said_at=changed_at) if text else None,
        unparsed=entry.unparsed("job_event"),
    )


SOURCE = Source(
    "jobs",
    8,
    "Background jobs",
    (
        shape("jobs/{job_id}/state.json", Reading.DOCUMENT, parse_state),
        shape("jobs/{job_id}/timeline.jsonl", Reading.JSONL, parse_event),
    ),
    (JOBS, JOB_EVENTS),
)
