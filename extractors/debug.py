"""debug/: the log of each session, one file each, and `latest`, a link to the newest.

Claude Code writes them by default until about 2.1.7x, later on request. Up to 2.0.2x lines have no time (format A),
since 2.0.7x they have one (format B):

    [DEBUG] rg error (signal=SIGKILL, code=null, stderr: ), 0 results
    2026-01-23T16:46:29.603Z [DEBUG] [render] first ink render: 2711ms since process start

A line without such a header continues the event above it. Only the header distinguishes them, so a line of copied
output that begins with `[ERROR] ` becomes an event of format A, even in a log of format B. See extractors/FORMATS.md.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import pyarrow as pa

from extractors.reading.contract import UUID, Block, Columns, Entry, Reading, Source, shape
from models.schema import FLAG, INSTANT, INTEGER, TEXT, Column, Row, Table

DEBUG_EVENTS = Table(
    "debug_events",
    "One row for each event of a debug log, with the lines that continue it.",
    (
        Column("event_at", INSTANT, "Time in the header line (UTC); NULL in format A.", is_distinct=True),
        Column("level", TEXT, "Level in the header line: DEBUG, INFO, WARN, ERROR."),
        Column("component", TEXT, "The component named at the beginning of the message; NULL if none is."),
        Column("mcp_server", TEXT, "The MCP server named at the beginning of the message."),
        Column("message", TEXT, "The first line, without header and line end.", required=True),
        Column(
            "continuation",
            TEXT,
            "The lines that follow, without the last line end; NULL when there are none.",
        ),
        Column("line_count", INTEGER, "Physical lines of the event.", required=True),
        Column("session_id", TEXT, "The session: the file's name, if it is a UUID."),
        Column("log_name", TEXT, "The file's name without .txt, if it is not a UUID."),
        Column(
            "log_format",
            TEXT,
            "A: header without time. B: header with time. NULL: lines before the first header.",
        ),
        Column("is_error", FLAG, "Whether the level is ERROR.", required=True),
        Column("was_repaired", FLAG, "Whether bytes that are not UTF-8 became U+FFFD.", required=True),
    ),
)

DEBUG_LATEST = Table(
    "debug_latest",
    "One row for debug/latest: a link to the newest log, or a file if a copy of the home replaced the link.",
    (
        Column("is_link", FLAG, "Whether it is a symbolic link.", required=True),
        Column("target", TEXT, "The link's target; of a file whose only text is such a path, that path."),
        Column("session_id", TEXT, "The session that the target names."),
        Column(
            "content_sha256",
            TEXT,
            "SHA-256 of a copied file: equal to that of the log that it is a copy of.",
            is_distinct=True,
        ),
        Column("size", INTEGER, "Length of a copied file in bytes."),
        Column("line_count", INTEGER, "Lines of a copied file; a last line without a line feed counts too."),
    ),
)

HEADER: Final = (
    rb"(?:\xef\xbb\xbf|\0)*(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[[A-Z]+\]|\[(?:DEBUG|ERROR|WARN|INFO)\])[ \r\n]"
)
"""The header of an event. An unknown level counts only after a time: other lines can begin with any `[WORD]`."""

_HEADER: Final = re.compile(r"[\ufeff\0]*(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) )?\[([A-Z]+)\](?: |(?=[\r\n]))")
_LEVELS: Final = frozenset({"DEBUG", "INFO", "WARN", "ERROR"})

_REGULAR: Final = re.compile(
    r"^(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) )?\[(DEBUG|INFO|WARN|ERROR)\] ([^\n]*)", re.ASCII | re.MULTILINE
)
"""The header and first line of an event with a known level: nearly all events."""

_COMPONENT: Final = re.compile(
    r"""
    \[ (?P<bracket> [A-Za-z][\w.:/-]* (?:\ [A-Za-z][\w.:/-]*){0,3} ) \] (?=[ :]|\Z)
    | "? MCP\ server\ \\?" (?P<server> [^"\\\r\n]+ )
    | (?P<phrase>
        Getting\ matching\ hook | Matched\ \d+\ unique\ hooks | Found\ \d+\ hook | executePreToolHooks
        | Executing\ hooks | Stream\ started | Streaming | (?:Auto\ t|T)ool\ search
        | High\ write\ ratio | Slow\ render | LSP\ Diagnostics | Forked\ agent ) \b
    | (?P<word> [A-Za-z][\w-]{0,31} ):\ (?=\S)
    """,
    re.VERBOSE,
)
_PHRASES: Final = {
    **dict.fromkeys(("Getting", "Matched", "Found", "executePreToolHooks", "Executing"), "Hooks"),
    **dict.fromkeys(("Stream", "Streaming"), "Stream"),
    **dict.fromkeys(("Auto", "Tool"), "Tool search"),
}
"""The component of a phrase, by its first word; other phrases are their own component."""
_NO_COMPONENT: Final = re.compile(r"\w*(?:Error|Exception)|E[A-Z]+|https?|[Ww]arning|[Nn]ote", re.ASCII)

_SHORT: Final = 200
"""Messages of at most this many characters have their component cached."""

_TARGET: Final = re.compile(rf"(?:.*[/\\])?(?:({UUID})|[^/\\]+)\.txt", re.DOTALL)
_LONGEST_TARGET: Final = 4096


def component_of(message: str) -> tuple[str | None, str | None]:
    """Return the component named at the beginning of a message, and the MCP server if the component is one."""
    match = _COMPONENT.match(message)
    if match is None:
        return None, None
    kind = match.lastgroup
    name = match[match.lastindex or 0]
    if kind == "server":
        return "MCP server", name
    if kind == "phrase":
        first = name.split(" ", 1)[0]
        return _PHRASES.get(first, name), None
    if kind == "word" and _NO_COMPONENT.fullmatch(name):
        return None, None
    return (None if ": " in name else name), None


def parse_event(entry: Entry) -> Iterator[Row]:
    """Yield the row of an event. It rejects nothing: a log can contain any text."""
    data = entry.data
    was_repaired = False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
        was_repaired = True
        entry.flags = (*entry.flags, "not_utf8")
    header = _HEADER.match(text)
    event_at = level = log_format = component = server = None
    if header is not None:
        time, level = header.groups()
        text = text[header.end() :]
        log_format = "A"
        if time is not None:
            log_format = "B"
            try:
                event_at = datetime.fromisoformat(time)
            except ValueError:
                entry.odd.append(("field_type", "debug_event.time"))
        if level not in _LEVELS:
            entry.unknown_type = f"debug_event [{level}]"
        component, server = component_of(text)
    message, line_end, rest = text.partition("\n")
    line_count = 1
    continuation = None
    if rest:
        line_count = 1 + rest.count("\n")
        if rest[-1] == "\n":
            continuation = rest[:-1]
        else:
            continuation = rest
            line_count += 1
    names = entry.names
    yield DEBUG_EVENTS.row(
        event_at,
        level,
        component,
        server,
        message[:-1] if message[-1:] == "\r" and line_end else message,
        continuation,
        line_count,
        names.get("session_id"),
        names.get("log_name"),
        log_format,
        level == "ERROR",
        was_repaired,
    )


def parse_events(block: Block) -> Columns | None:
    """Return the rows of a block of events, equal to those of `parse_event` but faster; None if an event has an unknown
    header or is not UTF-8.
    """
    try:
        text = block.data.decode()
        found = _REGULAR.findall(text)
        if len(found) != len(block.starts):
            return None
        times = [time for time, _, _ in found]
        event_at = pa.array([time or None for time in times], pa.string()).cast(pa.timestamp("us", "UTC"))
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return None
    count = len(found)
    levels = [level for _, level, _ in found]
    messages = [message for _, _, message in found]
    rests = _continuations(block, text, found)
    named = [_name_in(message) if len(message) < _SHORT else _name_in.__wrapped__(message) for message in messages]
    if "\r" in text:
        messages = [message.removesuffix("\r") for message in messages]
    names = block.names
    return Columns(
        DEBUG_EVENTS,
        (
            event_at.cast(pa.timestamp("us")),
            pa.array(levels, pa.string()),
            pa.array([component for component, _ in named], pa.string()),
            pa.array([server for _, server in named], pa.string()),
            pa.array(messages, pa.string()),
            _repeated(None, count) if rests is None else pa.array(rests, pa.string()),
            pa.repeat(pa.scalar(1), count)
            if rests is None
            else pa.array([1 if rest is None else 2 + rest.count("\n") for rest in rests], pa.int64()),
            _repeated(names.get("session_id"), count),
            _repeated(names.get("log_name"), count),
            pa.array(["B" if time else "A" for time in times], pa.string()),
            pa.array([level == "ERROR" for level in levels], pa.bool_()),
            pa.repeat(pa.scalar(False), count),
        ),
    )


@lru_cache(maxsize=4096)
def _name_in(message: str) -> tuple[str | None, str | None]:
    """Return `component_of` of a whole line, cached: logs repeat the same few messages.

    As in `parse_event` a line feed follows the message, which matters if a bracket is its last character.
    """
    return component_of(f"{message}\n" if message[-1:] == "]" else message)


def _continuations(block: Block, text: str, headers: Sequence[tuple[str, str, str]]) -> list[str | None] | None:
    """Return the continuation lines of each event, without the last line end; None if no event has any."""
    if block.data.count(b"\n") == len(headers) and block.data[-1:] == b"\n":
        return None
    starts = block.starts if text.isascii() else [match.start() for match in _REGULAR.finditer(text)]
    ends = [
        start + len(message) + len(level) + (28 if time else 3)
        for start, (time, level, message) in zip(starts, headers, strict=True)
    ]
    nexts = (*starts[1:], len(text))
    return [None if after - end == 1 else text[end + 1 : after - 1] for end, after in zip(ends, nexts, strict=True)]


def _repeated(text: str | None, count: int) -> "pa.Array[pa.Scalar[pa.DataType]]":
    return pa.nulls(count, pa.string()) if text is None else pa.repeat(pa.scalar(text, pa.string()), count)


def _session_of(target: str) -> str | None:
    match = _TARGET.fullmatch(target)
    return None if match is None else match[1]


def parse_link(entry: Entry) -> Iterator[Row]:
    """Yield the row of the link debug/latest."""
    target = entry.data.decode(errors="replace")
    yield DEBUG_LATEST.row(is_link=True, target=target, session_id=_session_of(target))


def parse_copy(entry: Entry) -> Iterator[Row]:
    """Yield the row of debug/latest as a file: a copy of a log (whose events are read from the log itself), or the
    link's target as text.
    """
    data = entry.data
    text = data.decode(errors="replace").rstrip("\r\n") if len(data) <= _LONGEST_TARGET else ""
    target = text if "\n" not in text and _TARGET.fullmatch(text) else None
    yield DEBUG_LATEST.row(
        is_link=False,
        target=target,
        session_id=None if target is None else _session_of(target),
        content_sha256=entry.sha256(),
        size=len(data),
        line_count=data.count(b"\n") + (data[-1:] not in (b"", b"\n")),
    )


SOURCE = Source(
    "debug",
    2,
    "Debug logs",
    (
        shape(
            "debug/{session_id}.txt", Reading.LOG, parse_event, header=HEADER, parse_block=parse_events, session_id=UUID
        ),
        shape("debug/{log_name}.txt", Reading.LOG, parse_event, header=HEADER, parse_block=parse_events),
        shape("debug/latest", Reading.LINK, parse_link),
        shape("debug/latest", Reading.DOCUMENT, parse_copy),
    ),
    (DEBUG_EVENTS, DEBUG_LATEST),
)
