"""projects/<directory>/sessions-index.json: a list of sessions that Claude Code kept, from 2.1.0 to 2.1.3x.

Not updated since then; it has titles and counts of sessions whose transcripts are deleted. See extractors/FORMATS.md:

    {"version":1,"originalPath":"/home/u/code","entries":[{"sessionId":"9fb21847-...","fileMtime":1769900000000,
     "fullPath":"/home/u/.claude/projects/-home-u-code/9fb21847-....jsonl","firstPrompt":"fix the test",
     "summary":"Test fixed","messageCount":12,"created":"2026-01-31T15:22:38.575Z","gitBranch":"main",
     "modified":"2026-01-31T16:02:11.114Z","projectPath":"/home/u/code","isSidechain":false}]}
"""

from collections.abc import Iterator

from extractors.reading.contract import Entry, Reading, Source, shape
from models.schema import FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

SESSIONS_INDEX_FILES = Table(
    "sessions_index_files",
    "One row for each sessions-index.json.",
    (
        Column("project_dir", TEXT, "Name of the project directory.", required=True),
        Column("format_version", INTEGER, "The file's `version`."),
        Column("project_path", TEXT, "The file's `originalPath`: the directory's real path."),
        Column("session_count", INTEGER, "Sessions that it lists.", required=True),
        Column("file_modified_at", INSTANT, "The file's modification time (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

SESSIONS_INDEX = Table(
    "sessions_index",
    "One row for each session in a sessions-index.json. Its counts are those of the file's last update.",
    (
        Column("project_dir", TEXT, "Name of the project directory.", required=True),
        Column("session_id", TEXT, "The session."),
        Column("transcript_path", TEXT, "The path of its transcript then."),
        Column("transcript_modified_at", INSTANT, "The transcript's modification time then (UTC)."),
        Column("first_prompt", TEXT, "The beginning of its first prompt.", is_distinct=True),
        Column("summary", TEXT, "Its title.", is_distinct=True),
        Column("message_count", INTEGER, "Messages, as Claude Code counted them."),
        Column("created_at", INSTANT, "When the session began (UTC)."),
        Column("updated_at", INSTANT, "When it last changed (UTC)."),
        Column("git_branch", TEXT, "Branch."),
        Column("project_path", TEXT, "Working directory."),
        Column("is_sidechain", FLAG, "Whether it was a subagent's."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of an index, and one for each session that it lists."""
    project_dir = entry.names["project_dir"]
    fields = entry.document()
    sessions = fields.take_rows("entries")
    yield SESSIONS_INDEX_FILES.row(
        project_dir=project_dir,
        format_version=fields.take_integer("version"),
        project_path=fields.take_text("originalPath"),
        session_count=len(sessions),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("index"),
    )
    for session in sessions:
        yield SESSIONS_INDEX.row(
            project_dir=project_dir,
            session_id=session.take_text("sessionId"),
            transcript_path=session.take_text("fullPath"),
            transcript_modified_at=session.take_epoch_ms("fileMtime"),
            first_prompt=session.take_text("firstPrompt"),
            summary=session.take_text("summary"),
            message_count=session.take_integer("messageCount"),
            created_at=session.take_instant("created"),
            updated_at=session.take_instant("modified"),
            git_branch=session.take_text("gitBranch"),
            project_path=session.take_text("projectPath"),
            is_sidechain=session.take_flag("isSidechain"),
            unparsed=entry.unparsed("session", session),
        )


SOURCE = Source(
    "sessions-index",
    8,
    "Session lists",
    (shape("projects/{project_dir}/sessions-index.json", Reading.DOCUMENT, parse),),
    (SESSIONS_INDEX_FILES, SESSIONS_INDEX),
)
