"""teams/: the members of teams of agents, and the messages between them; both rewritten in place.

They exist from 2026-02. The text of a message can itself be JSON with a type. See extractors/FORMATS.md:

    teams/<team>/config.json
    {"name":"build","createdAt":1770774687122,"leadAgentId":"team-lead@build","members":[{…}]}
    teams/<team>/inboxes/<member>.json
    [{"from":"team-lead","text":"{\\"type\\":\\"task_assignment\\",…}","timestamp":"2026-02-13T07:44:15.018Z","read":false}]
"""

from collections.abc import Iterator
from typing import Final

import orjson

from extractors.reading.contract import Entry, Fields, Reading, Source, shape
from models.json import JsonValue
from models.message import MessageKind
from models.schema import FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

_TEAM: Final = Column("team_name", TEXT, "The team: its directory's name.", required=True)
_WRITTEN: Final = Column("file_modified_at", INSTANT, "When the file was last written (UTC).")
_UNPARSED: Final = Column("unparsed", JSON, "Unknown fields, as JSON.")

TEAMS = Table(
    "teams",
    "One row for each team that has a config.json.",
    (
        _TEAM,
        Column("name", TEXT, "The team's name in the file."),
        Column("description", TEXT, "The purpose of the team.", is_distinct=True),
        Column("created_at", INSTANT, "When it was created (UTC)."),
        Column("lead_agent_id", TEXT, "The member that leads."),
        Column("session_id", TEXT, "The session of the leader, if the team belongs to a session."),
        Column("lead_session_id", TEXT, "The same."),
        Column("member_count", INTEGER, "Number of members.", required=True),
        _WRITTEN,
        _UNPARSED,
    ),
    is_rewritten=True,
)

TEAM_MEMBERS = Table(
    "team_members",
    "One row for each member that a team's config.json lists.",
    (
        _TEAM,
        Column("member_number", INTEGER, "The member's place in the list, from 1.", required=True),
        Column("agent_id", TEXT, "The member's id: name@team."),
        Column("name", TEXT, "The member's name, which is also that of its inbox."),
        Column("agent_type", TEXT, "The kind of agent."),
        Column("model", TEXT, "The model."),
        Column("message_id", TEXT, "Its initial prompt: joins `messages`.", is_distinct=True),
        Column("color", TEXT, "Its colour on the screen."),
        Column("joined_at", INSTANT, "When it joined (UTC)."),
        Column("cwd", TEXT, "Its working directory."),
        Column("tmux_pane_id", TEXT, "The terminal pane in which it runs."),
        Column("backend_type", TEXT, "The kind of its process: tmux, in-process and so on."),
        Column("member_mode", TEXT, "Its permission mode."),
        Column("is_active", FLAG, "Whether it is active."),
        Column("is_plan_required", FLAG, "Whether it must have its plan approved (planModeRequired)."),
        Column("subscriptions", JSON, "Its subscriptions, as a JSON list."),
        _UNPARSED,
    ),
    is_rewritten=True,
)

TEAM_INBOXES = Table(
    "team_inboxes",
    "One row for each inbox, empty ones included.",
    (
        _TEAM,
        Column("recipient", TEXT, "The member: the file's name.", required=True),
        Column("message_count", INTEGER, "Messages in it.", required=True),
        _WRITTEN,
    ),
    is_rewritten=True,
)

TEAM_MESSAGES = Table(
    "team_messages",
    "One row for each message in an inbox.",
    (
        _TEAM,
        Column("recipient", TEXT, "The member whose inbox it is.", required=True),
        Column("item_number", INTEGER, "The message's place in the inbox, from 1.", required=True),
        Column("sender", TEXT, "The member that sent it."),
        Column("sent_at", INSTANT, "When it was sent (UTC)."),
        Column("message_id", TEXT, "Its text: joins `messages`.", required=True, is_distinct=True),
        Column("summary", TEXT, "Its text in a few words.", is_distinct=True),
        Column("color", TEXT, "The sender's colour on the screen."),
        Column("is_read", FLAG, "Whether it was read."),
        Column("inner_type", TEXT, "The type in a text that is JSON: task_assignment, shutdown_request, …"),
        _UNPARSED,
    ),
    is_rewritten=True,
)


def parse_team(entry: Entry) -> Iterator[Row]:
    """Yield the row of a team, and one for each of its members."""
    fields = entry.document()
    members = fields.take_rows("members")
    for number, member in enumerate(members, 1):
        yield _member(entry, member, number)
    lead_session_id = fields.take_text("leadSessionId")
    yield TEAMS.row(
        team_name=entry.names["team_name"],
        name=fields.take_text("name"),
        description=fields.take_text("description"),
        created_at=fields.take_epoch_ms("createdAt"),
        lead_agent_id=fields.take_text("leadAgentId"),
        session_id=lead_session_id,
        lead_session_id=lead_session_id,
        member_count=len(members),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("team"),
    )


def _member(entry: Entry, member: Fields, number: int) -> Row:
    prompt = member.take_text("prompt")
    joined_at = member.take_epoch_ms("joinedAt")
    return TEAM_MEMBERS.row(
        team_name=entry.names["team_name"],
        member_number=number,
        agent_id=member.take_text("agentId"),
        name=member.take_text("name"),
        agent_type=member.take_text("agentType"),
        model=member.take_text("model"),
        message_id=entry.say(MessageKind.TASK, prompt, said_at=joined_at) if prompt else None,
        color=member.take_text("color"),
        joined_at=joined_at,
        cwd=member.take_text("cwd"),
        tmux_pane_id=member.take_text("tmuxPaneId"),
        backend_type=member.take_text("backendType"),
        member_mode=member.take_text("mode"),
        is_active=member.take_flag("isActive"),
        is_plan_required=member.take_flag("planModeRequired"),
        subscriptions=member.take_json("subscriptions"),
        unparsed=entry.unparsed("team_member", member),
    )


def parse_inbox(entry: Entry) -> Iterator[Row]:
    """Yield the row of an inbox, and one for each of its messages."""
    messages = entry.elements()
    yield TEAM_INBOXES.row(
        team_name=entry.names["team_name"],
        recipient=entry.names["member"],
        message_count=len(messages),
        file_modified_at=entry.modified_at,
    )
    for number, message in enumerate(messages, 1):
        yield _message(entry, message, number)


def _message(entry: Entry, message: Fields, number: int) -> Row:
    text = message.need_text("text")
    sent_at = message.take_instant("timestamp")
    return TEAM_MESSAGES.row(
        team_name=entry.names["team_name"],
        recipient=entry.names["member"],
        item_number=number,
        sender=message.take_text("from"),
        sent_at=sent_at,
        message_id=entry.say(MessageKind.INBOX, text, said_at=sent_at),
        summary=message.take_text("summary"),
        color=message.take_text("color"),
        is_read=message.take_flag("read"),
        inner_type=inner_type(text),
        unparsed=entry.unparsed("team_message", message),
    )


def inner_type(text: str) -> str | None:
    """Return the `type` in a message's text if the text is a JSON object with one, else None."""
    if not text.startswith("{"):
        return None
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    found = value.get("type") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


SOURCE = Source(
    "teams",
    4,
    "Teams",
    (
        shape("teams/{team_name}/config.json", Reading.DOCUMENT, parse_team),
        shape("teams/{team_name}/inboxes/{member}.json", Reading.DOCUMENT, parse_inbox),
    ),
    (TEAMS, TEAM_MEMBERS, TEAM_INBOXES, TEAM_MESSAGES),
)
