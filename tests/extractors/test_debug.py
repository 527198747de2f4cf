"""Debug logs: the events, their headers and messages, and debug/latest on each kind of home."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractors.debug import HEADER, component_of, parse_copy, parse_event, parse_link
from extractors.reading.contract import Entry
from extractors.reading.cutting import cut_events
from models.schema import Row, Value, table_of
from tests.support import extract, rows

SESSION = "0a1b2c3d-1111-4222-8333-444455556666"
OTHER_SESSION = "0a1b2c3d-2222-4222-8333-444455556666"

Cells = dict[str, Value]

LEVELS = st.sampled_from(["DEBUG", "INFO", "WARN", "ERROR"])
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=30)
CONTINUATIONS = st.lists(LINES.map(lambda line: f"    {line}"), max_size=3)
INSTANTS = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
)


def stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def cells(row: Row) -> Cells:
    return dict(zip((column.name for column in table_of(row).columns), row, strict=True))


def read(log: bytes) -> list[tuple[bytes, Entry, Cells]]:
    """Return the entries of a log, as the runner cuts them, each with its bytes and its row."""
    found = []
    for _, data, _ in cut_events([log], 0, 1 << 20, HEADER):
        entry = Entry({"session_id": SESSION}, data)
        (row,) = parse_event(entry)
        found.append((data, entry, cells(row)))
    return found


def events(log: bytes) -> list[Cells]:
    return [event for _, _, event in read(log)]


@given(st.lists(st.tuples(st.none() | INSTANTS, LEVELS, LINES, CONTINUATIONS), max_size=6))
def test_events_that_were_written_are_read_back(written: list[tuple[datetime | None, str, str, list[str]]]) -> None:
    log = "".join(
        f"{'' if at is None else stamp(at) + ' '}[{level}] {message}\n" + "".join(f"{line}\n" for line in more)
        for at, level, message, more in written
    )
    found = [(e["event_at"], e["level"], e["message"], e["continuation"]) for e in events(log.encode())]
    assert found == [(at, level, message, "\n".join(more) if more else None) for at, level, message, more in written]


@given(
    st.lists(st.sampled_from([b"[DEBUG] ", b"2026-01-23T16:46:29.603Z [WARN] ", b"\n", b"\r\n", b"x", b"\xff", b"\0"]))
)
@example([b"[DEBUG] ", b"\n", b"\n"])
@example([b"\0", b"[DEBUG] ", b"\xff"])
def test_every_event_gives_one_row_and_every_line_is_counted_once(parts: list[bytes]) -> None:
    log = b"".join(parts)
    found = read(log)
    assert b"".join(data for data, _, _ in found) == log
    for data, _, event in found:
        assert event["line_count"] == data.count(b"\n") + (not data.endswith(b"\n"))
        assert (event["continuation"] is None) == (event["line_count"] == 1)
        assert "\n" not in str(event["message"])


def test_the_first_lines_of_a_log_need_no_header() -> None:
    first, second = events(b"    at native:7:39\nmore\n[DEBUG] x\n")
    assert (first["log_format"], first["level"], first["message"], first["continuation"]) == (
        None,
        None,
        "    at native:7:39",
        "more",
    )
    assert (second["log_format"], second["event_at"]) == ("A", None)


def test_a_carriage_return_ends_a_message_and_stays_within_a_continuation() -> None:
    (event,) = events(b"[DEBUG] out:\r\none\r\ntwo\r\n")
    assert (event["message"], event["continuation"]) == ("out:", "one\r\ntwo\r")


def test_a_blank_line_continues_an_event() -> None:
    (event,) = events(b"[DEBUG] x\n\n")
    assert (event["message"], event["continuation"], event["line_count"]) == ("x", "", 2)


def test_bytes_that_are_not_utf8_are_replaced_and_flagged() -> None:
    (_, entry, event), (_, other_entry, other) = read(b"[DEBUG] caf\xe9\n[DEBUG] caf\xc3\xa9\n")
    assert (event["message"], event["was_repaired"], entry.flags) == ("caf\ufffd", True, ("not_utf8",))
    assert (other["message"], other["was_repaired"], other_entry.flags) == ("café", False, ())


@pytest.mark.parametrize("before", [b"\0" * 40, b"\xef\xbb\xbf"])
def test_nul_bytes_or_a_byte_order_mark_before_a_header_do_not_hide_it(before: bytes) -> None:
    first, second = events(b"[DEBUG] x\n" + before + b"2026-01-23T16:46:29.603Z [DEBUG] y\n")
    assert first["message"] == "x"
    assert (second["message"], second["log_format"]) == ("y", "B")


def test_a_level_that_is_not_known_is_kept_and_is_drift() -> None:
    ((_, entry, event),) = read(b"2026-01-23T16:46:29.603Z [VERBOSE] x\n")
    assert (event["level"], event["message"], event["is_error"]) == ("VERBOSE", "x", False)
    assert entry.unknown_type == "debug_event [VERBOSE]"


def test_a_level_that_is_not_known_begins_no_event_without_a_time() -> None:
    (event,) = events(b"[DEBUG] x\n[NOTICE] y\n")
    assert event["continuation"] == "[NOTICE] y"


def test_a_time_that_there_is_not_leaves_the_event_without_one_and_is_drift() -> None:
    ((_, entry, event),) = read(b"2026-02-30T16:46:29.603Z [DEBUG] x\n")
    assert (event["event_at"], event["log_format"], event["message"]) == (None, "B", "x")
    assert entry.odd == [("field_type", "debug_event.time")]


def test_only_the_level_error_is_an_error() -> None:
    assert [e["is_error"] for e in events(b"[ERROR] a\n[WARN] Error: b\n")] == [True, False]


@pytest.mark.parametrize(
    ("message", "component"),
    [
        ("[API:request] Creating client", "API:request"),
        ("[ToolSearch:optimistic] mode=standard", "ToolSearch:optimistic"),
        ("[SLOW OPERATION DETECTED] fs.readFileSync (46.1ms)", "SLOW OPERATION DETECTED"),
        ("[useDeferredValue] x", "useDeferredValue"),
        ('["Bash(chmod:*)"]', None),
        ("[Error: ENOENT] x", None),
        ("[1/3] building", None),
        ("LSP Diagnostics: Checking registry - 0 pending", "LSP Diagnostics"),
        ("Hooks: checkForNewResponses called", "Hooks"),
        ("Getting matching hook commands for Stop with query: undefined", "Hooks"),
        ("executePreToolHooks called for tool: Bash", "Hooks"),
        ('Matched 0 unique hooks for query "Bash" (0 before deduplication)', "Hooks"),
        ("Found 0 hook matchers in settings", "Hooks"),
        ("Found 0 plugins (0 enabled, 0 disabled)", None),
        ("FileHistory: Tracked file modification for /home/mira/a.py", "FileHistory"),
        ("AutoUpdaterWrapper: Installation type: native", "AutoUpdaterWrapper"),
        ("Stream started - received first chunk", "Stream"),
        ("Streaming stall detected: 31.2s gap between events (stall #1)", "Stream"),
        ("High write ratio: blit=1, write=2 (66.7% writes), screen=120x48", "High write ratio"),
        ("Auto tool search disabled: 10 tokens (threshold: 20, 10% of context)", "Tool search"),
        ("Writing to temp file: /home/mira/.claude.json.tmp.1.2", None),
        ("Error: Error: Request was aborted.", None),
        ("MaxFileReadTokenExceededError: too long", None),
        ("ENOENT: no such file or directory", None),
        ("https://example.org", None),
        ("", None),
    ],
)
def test_the_component_is_what_a_message_names_at_its_beginning(message: str, component: str | None) -> None:
    assert component_of(message) == (component, None)


@pytest.mark.parametrize(
    "message",
    [
        'MCP server "issue-tracker": Starting connection',
        'MCP server "issue-tracker" Connection failed (-32000): closed',
        '"MCP server \\"issue-tracker\\" Server stderr: a\\nb"',
    ],
)
def test_an_mcp_server_is_named_beside_its_component(message: str) -> None:
    assert component_of(message) == ("MCP server", "issue-tracker")


@pytest.mark.parametrize(
    ("target", "session_id"),
    [
        (f"/home/mira/.claude/debug/{SESSION}.txt", SESSION),
        (f"C:\\Users\\Mira\\.claude\\debug\\{SESSION}.txt", SESSION),
        ("/home/mira/.claude/debug/daemon.txt", None),
        ("elsewhere", None),
    ],
)
def test_a_link_names_its_target_and_session(target: str, session_id: str | None) -> None:
    (row,) = parse_link(Entry({}, target.encode()))
    assert cells(row).items() >= {"is_link": True, "target": target, "session_id": session_id}.items()


def test_a_file_that_holds_only_the_text_of_the_link_names_its_target() -> None:
    """Version control leaves such a file where links are switched off."""
    (row,) = parse_copy(Entry({}, f"/home/mira/.claude/debug/{SESSION}.txt".encode()))
    assert cells(row).items() >= {"is_link": False, "session_id": SESSION, "line_count": 1}.items()


@pytest.mark.parametrize("data", [b"", b"[DEBUG] see x.txt\n[DEBUG] y.txt\n", b"[DEBUG] x\n", b"\xff.md"])
def test_a_copied_log_has_no_target_but_a_digest(data: bytes) -> None:
    (row,) = parse_copy(Entry({}, data))
    wanted = {"is_link": False, "target": None, "session_id": None, "content_sha256": sha256(data).hexdigest()}
    assert cells(row).items() >= wanted.items()


def test_the_events_of_a_copied_latest_are_counted_once(tmp_path: Path) -> None:
    debug = tmp_path / "home" / "debug"
    debug.mkdir(parents=True)
    log = b"2026-01-23T16:46:29.603Z [DEBUG] x\n2026-01-23T16:46:29.604Z [DEBUG] y\n"
    (debug / f"{SESSION}.txt").write_bytes(log)
    (debug / "latest").write_bytes(log)
    (debug / "daemon.txt").write_bytes(b"[DEBUG] z\n")
    extract(tmp_path / "data", tmp_path / "home", phases=[2])
    assert sorted(
        (str(e["log_name"]), e["message"], e["session_id"]) for e in rows(tmp_path / "data", "debug_events")
    ) == [
        ("None", "x", SESSION),
        ("None", "y", SESSION),
        ("daemon", "z", None),
    ]
    (latest,) = rows(tmp_path / "data", "debug_latest")
    assert latest["content_sha256"] == sha256(log).hexdigest()


def test_a_dangling_link_is_a_row_and_is_not_followed(tmp_path: Path) -> None:
    debug = tmp_path / "home" / "debug"
    debug.mkdir(parents=True)
    try:
        (debug / "latest").symlink_to(f"/nowhere/.claude/debug/{OTHER_SESSION}.txt")
    except OSError:
        pytest.skip("links cannot be made here")
    extract(tmp_path / "data", tmp_path / "home", phases=[2])
    (latest,) = rows(tmp_path / "data", "debug_latest")
    assert (latest["is_link"], latest["session_id"], latest["content_sha256"]) == (True, OTHER_SESSION, None)
