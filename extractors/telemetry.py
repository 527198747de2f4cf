"""telemetry/: telemetry events that Claude Code could not send, kept to be sent later.

They exist from 2025-12: a JSON array at first, JSON Lines since 2026-01, under the same name. See
extractors/FORMATS.md.

    telemetry/1p_failed_events.<session>.<batch>.json
    {"event_type":"ClaudeCodeInternalEvent","event_data":{"event_name":"tengu_shutdown_signal",
     "client_timestamp":"2026-06-13T13:51:31.058Z","model":"claude-opus-4-6","session_id":"e090ee82-…",
     "env":{"platform":"linux","version":"2.1.177",…},"device_id":"…",…}}

The rows have no identifier of a person, an account or a machine: fields that can contain one are removed, from
`unparsed` too. The archive has the complete file.
"""

from collections.abc import Iterator
from typing import Final

from extractors.reading.contract import UUID, Entry, Fields, Malformed, Reading, Source, shape
from extractors.reading.salvage import PartKind, parse_line, salvage
from models.json import JsonObject
from models.reject import RejectCode
from models.schema import FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

TELEMETRY_EVENTS = Table(
    "telemetry_events",
    "One row for each event that could not be sent, without fields that identify a person or a machine.",
    (
        Column("batch_id", TEXT, "The batch, from the file's name.", required=True),
        Column("item_number", INTEGER, "The event's place in the file, from 1.", required=True),
        Column("is_readable", FLAG, "Whether it is a JSON object; if not, the other columns are NULL.", required=True),
        Column("event_type", TEXT, "ClaudeCodeInternalEvent or GrowthbookExperimentEvent."),
        Column("event_name", TEXT, "The event: tengu_…; of an experiment its id."),
        Column("variation_id", INTEGER, "The arm of an experiment."),
        Column("event_at", INSTANT, "When it happened (UTC)."),
        Column("session_id", TEXT, "The session."),
        Column("parent_session_id", TEXT, "The session that started it."),
        Column("model", TEXT, "The model in use."),
        Column("version", TEXT, "Version of Claude Code."),
        Column("entrypoint", TEXT, "cli, sdk-ts, and so on."),
        Column("client_type", TEXT, "The same, from another field of the event."),
        Column("agent_sdk_version", TEXT, "Version of the Agent SDK, if one is used."),
        Column("user_type", TEXT, "external in all known events."),
        Column("skill_name", TEXT, "The active skill."),
        Column("platform", TEXT, "The operating system."),
        Column("is_interactive", FLAG, "Whether the session was interactive."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
)

_LEFT_OUT: Final = frozenset(
    {
        "account_uuid", "additional_metadata", "anonymous_id", "auth", "betas", "device_id", "email", "environment",
        "event_id", "event_metadata_vars", "experiment_metadata", "organization_uuid", "process", "user_attributes",
        "user_id",
    }
)  # fmt: skip
_LEFT_OUT_OF_ENV: Final = frozenset(
    {
        "arch", "build_time", "deployment_environment", "is_ci", "is_claubbit", "is_claude_ai_auth",
        "is_claude_code_action", "is_claude_code_remote", "is_conductor", "is_github_action", "is_local_agent_mode",
        "is_running_with_bun", "linux_distro_id", "linux_distro_version", "linux_kernel", "node_version",
        "package_managers", "platform_raw", "runtimes", "shell", "terminal", "vcs", "version_base",
    }
)  # fmt: skip


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of each event of a batch, in either format. An item that is not an event gives a row with
    `is_readable` false, and counts as drift. Raises Malformed when no item is an event.
    """
    events = list(_events(entry))
    if not any(event is not None for event in events):
        raise Malformed(RejectCode.NOT_JSON, "neither a JSON array of events nor JSON Lines")
    for number, event in enumerate(events, 1):
        if event is not None:
            yield _event(entry, Fields(event), number)
        else:
            entry.odd.append(("field_type", "telemetry_event"))
            yield TELEMETRY_EVENTS.row(batch_id=entry.names["batch_id"], item_number=number, is_readable=False)


def _events(entry: Entry) -> Iterator[JsonObject | None]:
    if entry.data.lstrip()[:1] == b"[":
        value = entry.json()
        for element in value if isinstance(value, list) else []:
            yield element if isinstance(element, dict) else None
        return
    for line in entry.data.split(b"\n"):
        value = parse_line(line)
        if value is not None:
            yield value
            continue
        for part in salvage(line):
            if part.kind is not PartKind.PADDING:
                # An object inside a torn event is not an event, and can contain identifiers.
                yield part.value if part.value is not None and "event_data" in part.value else None


def _event(entry: Entry, event: Fields, number: int) -> Row:
    data = event.take_fields("event_data") or Fields({})
    if event.take_any("event_data") is not None:
        entry.odd.append(("field_type", "telemetry_event.event_data"))
    event.take_known(_LEFT_OUT)
    data.take_known(_LEFT_OUT)
    env = data.take_fields("env") or Fields({})
    env.take_known(_LEFT_OUT_OF_ENV)
    version = env.take_text("version")
    entry.version = version or entry.version
    name = data.take_text("event_name")
    experiment = data.take_text("experiment_id")
    sent_at, happened_at = data.take_instant("client_timestamp"), data.take_instant("timestamp")
    return TELEMETRY_EVENTS.row(
        batch_id=entry.names["batch_id"],
        item_number=number,
        is_readable=True,
        event_type=event.take_text("event_type"),
        event_name=name if name is not None else experiment,
        variation_id=data.take_integer("variation_id"),
        event_at=sent_at if sent_at is not None else happened_at,
        session_id=data.take_text("session_id"),
        parent_session_id=data.take_text("parent_session_id"),
        model=data.take_text("model"),
        version=version,
        entrypoint=data.take_text("entrypoint"),
        client_type=data.take_text("client_type"),
        agent_sdk_version=data.take_text("agent_sdk_version"),
        user_type=data.take_text("user_type"),
        skill_name=data.take_text("skill_name"),
        platform=env.take_text("platform"),
        is_interactive=data.take_flag("is_interactive"),
        unparsed=entry.unparsed("telemetry_event", event),
    )


SOURCE = Source(
    "telemetry",
    8,
    "Telemetry",
    (
        shape(
            "telemetry/1p_failed_events.{session_id}.{batch_id}.json",
            Reading.DOCUMENT,
            parse,
            session_id=UUID,
            batch_id=UUID,
        ),
    ),
    (TELEMETRY_EVENTS,),
)
