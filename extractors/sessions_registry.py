"""sessions/: one file for each running process of Claude Code, deleted when the process ends; a remaining one crashed.

It exists from 2.1.132, with more fields in each version. `sessions/*.key` are secrets and withheld by rule. See
extractors/FORMATS.md.

    {"pid":25075,"sessionId":"73f71b29-…","cwd":"/home/u/code","startedAt":1781361096853,"procStart":"1916063",
     "version":"2.1.177","peerProtocol":1,"kind":"interactive","entrypoint":"cli","status":"idle",…}
"""

from collections.abc import Iterator

from extractors.reading.contract import Entry, Reading, Source, shape
from models.schema import INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

LIVE_SESSIONS = Table(
    "live_sessions",
    "One row for each file of sessions/: a process that was running, or had crashed, when it was read.",
    (
        Column("pid", INTEGER, "The process, from the file's name.", required=True),
        Column("session_id", TEXT, "The session.", required=True),
        Column("cwd", TEXT, "Its working directory."),
        Column("started_at", INSTANT, "When the process began (UTC)."),
        Column("process_start", TEXT, "The same in the operating system's form: ticks on Linux, a date on macOS."),
        Column("version", TEXT, "Version of Claude Code."),
        Column("peer_protocol", INTEGER, "Version of the protocol between processes."),
        Column("session_kind", TEXT, "interactive or bg."),
        Column("entrypoint", TEXT, "cli, sdk-ts, claude-vscode, and so on."),
        Column("status", TEXT, "idle, busy, waiting, shell."),
        Column("waiting_for", TEXT, "The reason why a waiting process waits."),
        Column("status_updated_at", INSTANT, "When the status last changed (UTC)."),
        Column("updated_at", INSTANT, "The file's own time of its last update (UTC)."),
        Column("name", TEXT, "The session's name."),
        Column("name_set_at", INSTANT, "When the name was set (UTC)."),
        Column("name_source", TEXT, "The origin of the name."),
        Column("former_names", JSON, "Earlier names, as a JSON list."),
        Column("tmux", JSON, "The terminal pane in which it runs, as JSON."),
        Column("messaging_socket_path", TEXT, "The socket for messages of other processes."),
        Column("bridge_session_id", TEXT, "The Remote Control session connected to it."),
        Column("parked_job_id", TEXT, "The background job that the process waits for."),
        Column("peer_features", JSON, "The features that the process offers to others, as a JSON list."),
        Column("pid_domain", TEXT, "The machine or container that the process number belongs to."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of a process."""
    fields = entry.document()
    pid = int(entry.names["pid"])
    if fields.peek("pid") == pid:
        fields.take_any("pid")
    entry.version = fields.take_text("version")
    yield LIVE_SESSIONS.row(
        pid=pid,
        session_id=fields.need_text("sessionId"),
        cwd=fields.take_text("cwd"),
        started_at=fields.take_epoch_ms("startedAt"),
        process_start=fields.take_text("procStart"),
        version=entry.version,
        peer_protocol=fields.take_integer("peerProtocol"),
        session_kind=fields.take_text("kind"),
        entrypoint=fields.take_text("entrypoint"),
        status=fields.take_text("status"),
        waiting_for=fields.take_text("waitingFor"),
        status_updated_at=fields.take_epoch_ms("statusUpdatedAt"),
        updated_at=fields.take_epoch_ms("updatedAt"),
        name=fields.take_text("name"),
        name_set_at=fields.take_epoch_ms("nameSince"),
        name_source=fields.take_text("nameSource"),
        former_names=fields.take_json("formerNames"),
        tmux=fields.take_json("tmux"),
        messaging_socket_path=fields.take_text("messagingSocketPath"),
        bridge_session_id=fields.take_text("bridgeSessionId"),
        parked_job_id=fields.take_text("parkedJobId"),
        peer_features=fields.take_json("peerFeatures"),
        pid_domain=fields.take_text("pidDomain"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("live_session"),
    )


SOURCE = Source(
    "sessions",
    8,
    "Running sessions",
    (shape("sessions/{pid}.json", Reading.DOCUMENT, parse, pid="[0-9]{1,18}"),),
    (LIVE_SESSIONS,),
)
