"""jobs/: the state of each background agent, and the history of its states. Claude Code never deletes it.

It exists from 2.1.150. The directory's name is the first 8 hex digits of the session's id. The agent itself writes
`state` and `detail`. Other files (`pins.json`) are archived without parsing. See extractors/FORMATS.md.

    jobs/96e07482/state.json
    {"state":"done","detail":"…","tempo":"idle","output":{"result":"…"},"intent":"…","sessionId":"96e07482-…",
     "cliVersion":"2.1.165","respawnFlags":["--model","haiku"],"createdAt":"2026-06-05T06:47:44.453Z",…}
    jobs/96e07482/timeline.jsonl
    {"at":"2026-05-26T14:14:00.208Z","state":"working","detail":"…","text":""}
"""

from collections.abc import Iterator
from datetime import datetime

from extractors.reading.contract import Entry, Fields, Reading, Source, shape
from models.message import MessageKind
from models.schema import FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

JOBS = Table(
    "jobs",
    "One row for each job with a state.json, as it was last written.",
    (
        Column("job_id", TEXT, "The job: its directory's name.", required=True),
        Column("session_id", TEXT, "The session that does the work."),
        Column("resume_session_id", TEXT, "The session that resumes it."),
        Column("state", TEXT, "working, done, failed, blocked, stopped, idle."),
        Column("detail", TEXT, "Its progress, in the agent's words.", is_distinct=True),
        Column("tempo", TEXT, "active, idle or blocked."),
        Column("needs", JSON, "The input that it waits for, as JSON."),
        Column("name", TEXT, "Its name."),
        Column("name_source", TEXT, "The origin of the name."),
        Column("message_id", TEXT, "Its task (intent): joins `messages`.", is_distinct=True),
        Column("display_intent", TEXT, "The task as displayed.", is_distinct=True),
        Column("result_message_id", TEXT, "Its result (output.result): joins `messages`.", is_distinct=True),
        Column("template", TEXT, "The kind of job."),
        Column("backend", TEXT, "The program that runs it: daemon."),
        Column("isolation", TEXT, "Its isolation from other jobs (bgIsolation)."),
        Column("version", TEXT, "Version of Claude Code."),
        Column("cwd", TEXT, "Its working directory (of another system, if the home was moved)."),
        Column("origin_cwd", TEXT, "The working directory in which it was started."),
        Column("worktree_path", TEXT, "The git worktree that it works in."),
        Column("worktree_branch", TEXT, "The branch of that worktree."),
        Column("token_count", INTEGER, "Tokens, as Claude Code counted them."),
        Column("created_at", INSTANT, "When it was created (UTC)."),
        Column("updated_at", INSTANT, "The time of its last change in the file (UTC)."),
        Column("first_ended_at", INSTANT, "When it first ended (UTC)."),
        Column("last_ended_at", INSTANT, "When it last ended (UTC)."),
        Column("transcript_path", TEXT, "Its transcript (linkScanPath)."),
        Column("transcript_offset", INTEGER, "How far Claude Code had read that, in bytes (linkScanOffset)."),
        Column("respawn_flags", JSON, "The options for starting it again, as a JSON list."),
        Column("in_flight", JSON, "Its work in progress, as JSON."),
        Column("fan", JSON, "The shells and agents that it started, as JSON."),
        Column("children", JSON, "Its products, such as a pull request, as JSON."),
        Column("bridge_session_id", TEXT, "The Remote Control session connected to it."),
        Column("is_bridge_outbound_only", FLAG, "Whether that session only sends (bridgeOutboundOnly)."),
        Column("interactive_lineage", JSON, "The interactive sessions that it came from, as JSON."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
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
        Column("detail", TEXT, "Its progress, in the agent's words.", is_distinct=True),
        Column("message_id", TEXT, "Its text: joins `messages`; NULL without text.", is_distinct=True),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
)


def parse_state(entry: Entry) -> Iterator[Row]:
    """Yield the row of a job."""
    fields = entry.document()
    entry.version = fields.take_text("cliVersion")
    session_id = fields.take_text("sessionId")
    created_at = fields.take_instant("createdAt")
    asked, said = _messages(entry, fields, session_id, created_at)
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
        bridge_session_id=fields.take_text("bridgeSessionId"),
        is_bridge_outbound_only=fields.take_flag("bridgeOutboundOnly"),
        interactive_lineage=fields.take_json("interactiveLineage"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("job"),
    )


def _messages(
    entry: Entry, fields: Fields, session_id: str | None, created_at: datetime | None
) -> tuple[str | None, str | None]:
    """Record the job's task and result as messages; return their ids."""
    intent = fields.take_text("intent")
    output = fields.take_fields("output")
    result = None if output is None else output.take_text("result")
    asked = entry.say(MessageKind.PROMPT, intent, session_id=session_id, said_at=created_at) if intent else None
    said = entry.say(MessageKind.TEXT, result, role="assistant", session_id=session_id) if result else None
    return asked, said


def parse_event(entry: Entry) -> Iterator[Row]:
    """Yield the row of a change of state."""
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
