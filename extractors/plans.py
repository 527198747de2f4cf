"""plans/: the plans of plan mode, in Markdown, rewritten in place.

The name is the `slug` in transcripts of 2.1.5 to 2.1.173 (`plans/misty-conjuring-candy.md`); a subagent's plan has the
subagent's id too (`plans/<slug>-agent-<id>.md`). Several sessions can have one slug. See extractors/FORMATS.md.
"""

import re
from collections.abc import Iterator
from typing import Final

from extractors.reading.contract import Entry, Reading, Source, shape
from models.message import MessageKind
from models.schema import INSTANT, INTEGER, TEXT, Column, Row, Table

PLANS = Table(
    "plans",
    "One row for each file of plans/, as it was last written.",
    (
        Column("slug", TEXT, "The plan's name, as in transcripts of 2.1.5 to 2.1.173.", required=True),
        Column("agent_id", TEXT, "The subagent that wrote it, if the file's name has one."),
        Column("title", TEXT, "The text of its first heading.", is_distinct=True),
        Column("message_id", TEXT, "The whole plan: joins `messages`; NULL for an empty file.", is_distinct=True),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("line_count", INTEGER, "Number of lines; a last line without a line feed counts too."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
    ),
    is_rewritten=True,
)

_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(```+|~~~+)")


def title_of(text: str) -> str | None:
    """Return the text of the first ATX heading of a Markdown document that is not in fenced code, or None."""
    fence = ""
    for line in text.removeprefix("\ufeff").splitlines():
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.fullmatch(line)) is not None and heading[1]:
            return heading[1]
    return None


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of a plan."""
    text = entry.text()
    data = entry.data
    yield PLANS.row(
        slug=entry.names["slug"],
        agent_id=entry.names.get("agent_id"),
        title=title_of(text),
        message_id=entry.say(MessageKind.PLAN, text, role="assistant") if text else None,
        size=len(data),
        line_count=data.count(b"\n") + (data[-1:] not in (b"", b"\n")),
        file_modified_at=entry.modified_at,
    )


SOURCE = Source(
    "plans",
    4,
    "Plans",
    (
        shape(
            "plans/{slug}-agent-{agent_id}.md",
            Reading.DOCUMENT,
            parse,
            slug="[^/]+",
            agent_id="[0-9a-z_-]*[0-9a-f]{7,}",
        ),
        shape("plans/{slug}.md", Reading.DOCUMENT, parse, slug="[^/]+"),
    ),
    (PLANS,),
)
