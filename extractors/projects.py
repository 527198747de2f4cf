"""projects/: the transcripts, one line for each record of a session or a subagent, and the files beside them.

Known from 1.0.17 (2025-06) to 2.1.289. Claude Code only appends lines, until it deletes the file. See
extractors/FORMATS.md:

    {"parentUuid":null,"isSidechain":false,"userType":"external","cwd":"/home/u/code","sessionId":"9fb21847-...",
     "version":"2.1.159","gitBranch":"main","type":"user","message":{"role":"user","content":"fix the test"},
     "uuid":"1febf416-...","timestamp":"2026-06-01T01:22:04.079Z"}

The known fields of records are in `extractors.transcripts.fields`. The path patterns are exact, because people keep
trees of their own below projects/: a name that is not a UUID is a session's only in a directory with an encoded path as
name.
"""

from extractors.reading.contract import UUID, Reading, Source, shape
from extractors.transcripts.records import RECORD_TABLES, parse_record
from extractors.transcripts.session_files import (
    AGENT_JOURNALS,
    MEMORY_FILES,
    PROJECT_DIRECTORIES,
    SESSION_ALIASES,
    SESSION_DIRECTORIES,
    SESSION_SIDE_FILES,
    SPILLED_RESULTS,
    SUBAGENTS,
    WORKFLOW_RUNS,
    parse_aliases,
    parse_custom_title,
    parse_journal,
    parse_memory,
    parse_precompact,
    parse_project_directory,
    parse_recording,
    parse_session_directory,
    parse_spilled_result,
    parse_subagent,
    parse_tip,
    parse_workflow,
)

_ENCODED_PATH = r"(?:-|[A-Za-z]--)[A-Za-z0-9-]*"
_NAME = r"[A-Za-z0-9_-]+"
_AGENT = r"[^/.]+"
_WORKFLOW = r"[^/.]+"
_BESIDE = "projects/{project_dir}/{session_id}"
_SUBAGENTS = f"{_BESIDE}/subagents"
_RUN = f"{_SUBAGENTS}/workflows/{{workflow_id}}"

SOURCE = Source(
    "projects",
    7,
    "Transcripts",
    (
        shape(f"{_BESIDE}.jsonl", Reading.JSONL, parse_record, session_id=UUID),
        shape("projects/{project_dir}/agent-{agent_id}.jsonl", Reading.JSONL, parse_record, agent_id=_AGENT),
        shape(f"{_BESIDE}.jsonl", Reading.JSONL, parse_record, project_dir=_ENCODED_PATH, session_id=_NAME),
        shape(f"{_SUBAGENTS}/agent-{{agent_id}}.jsonl", Reading.JSONL, parse_record, agent_id=_AGENT),
        shape(f"{_RUN}/agent-{{agent_id}}.jsonl", Reading.JSONL, parse_record, workflow_id=_WORKFLOW, agent_id=_AGENT),
        shape(f"{_SUBAGENTS}/agent-{{agent_id}}.meta.json", Reading.DOCUMENT, parse_subagent, agent_id=_AGENT),
        shape(f"{_RUN}/agent-{{agent_id}}.meta.json", Reading.DOCUMENT, parse_subagent, agent_id=_AGENT),
        shape(f"{_SUBAGENTS}/journal.jsonl", Reading.JSONL, parse_journal),
        shape(f"{_RUN}/journal.jsonl", Reading.JSONL, parse_journal),
        shape(f"{_BESIDE}/workflows/{{workflow_id}}.json", Reading.DOCUMENT, parse_workflow, workflow_id=r"wf_[^/.]+"),
        shape(f"{_BESIDE}/tool-results/{{name}}", Reading.DOCUMENT, parse_spilled_result, name=r"(?:[^/]+/)?[^/]+"),
        shape(f"{_BESIDE}/custom-title.json", Reading.DOCUMENT, parse_custom_title, session_id=UUID),
        shape("projects/{project_dir}/memory/{name}", Reading.DOCUMENT, parse_memory, name=r"(?:[^/]+/)*[^/]+\.md"),
        shape(f"{_BESIDE}.precompact.json", Reading.DOCUMENT, parse_precompact, session_id=UUID),
        shape(f"{_BESIDE}.ccr-tip.json", Reading.DOCUMENT, parse_tip, session_id=UUID),
        shape("projects/{project_dir}/.ccr-tip.json", Reading.DOCUMENT, parse_tip),
        shape(f"{_BESIDE}.cast", Reading.OPAQUE, parse_recording, session_id=UUID),
        shape("projects/{project_dir}/.session-aliases", Reading.DOCUMENT, parse_aliases),
        shape(_BESIDE, Reading.DIRECTORY, parse_session_directory, session_id=UUID),
        shape("projects/{project_dir}", Reading.DIRECTORY, parse_project_directory),
    ),
    (
        *RECORD_TABLES,
        SUBAGENTS,
        AGENT_JOURNALS,
        WORKFLOW_RUNS,
        SPILLED_RESULTS,
        SESSION_SIDE_FILES,
        SESSION_DIRECTORIES,
        SESSION_ALIASES,
        MEMORY_FILES,
        PROJECT_DIRECTORIES,
    ),
)
