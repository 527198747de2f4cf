"""Kinds of faults of sessions: speakers, continuations, and forks."""

from pathlib import Path

from models.json import JsonValue
from tests.conversations import call, session_id, write_home
from tests.warehouse.kinds import SAID, shows, talk_of


@shows(
    {
        SAID: [("make it", "typed")],
        "SELECT speaker, count(*) FROM speakers WHERE session_id = :s GROUP BY 1 ORDER BY 1": [
            ("claude_code", 2),
            ("hook", 1),
            ("person", 1),
            ("schedule", 2),
            ("teammate", 3),
        ],
    }
)
def others_speak(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("make it")
    talk.prompt("<task-notification>\n<task-id>b1</task-id></task-notification>", origin={"kind": "task-notification"})
    talk.prompt("go on", origin={"kind": "auto-continuation"}, isMeta=True)
    talk.prompt("Stop hook feedback:\n[lint]: failed", isMeta=True)
    talk.prompt("check the mail", scheduledTaskId="0a1b2c3d", isMeta=True, promptSource="system")
    talk.prompt("check the weather", turnOrigin="scheduled")
    talk.prompt('<teammate-message teammate_id="a" color="red">\nhi\n</teammate-message>')
    talk.prompt("do you copy?", origin={"kind": "peer"})
    talk.prompt("[from the channel] hello", origin={"kind": "channel"})
    write_home(home, [talk])


@shows(
    {
        "SELECT title, title_kind FROM sessions WHERE session_id = :s": [("Weave the loom", "generated")],
        "SELECT DISTINCT project FROM token_usage WHERE session_id = :s": [("C:\\Users\\Mira\\loom",)],
        "SELECT project, project_path FROM sessions WHERE session_id = :s": [
            ("C:\\Users\\Mira\\loom", "c:\\Users\\Mira\\loom\\.claude\\worktrees\\brave-otter\\src")
        ],
    }
)
def a_worktree_on_windows_gives_its_name_as_title(home: Path, n: int) -> None:
    talk = talk_of(n, "c:\\Users\\Mira\\loom\\.claude\\worktrees\\brave-otter\\src")
    talk.state("ai-title", aiTitle="Weave the loom")
    talk.state("custom-title", customTitle="brave-otter")
    talk.prompt("go")
    talk.answer(f"k{n}")
    write_home(home, [talk], "C--Users-Mira-loom--claude-worktrees-brave-otter-src")


@shows(
    {
        "SELECT project, prompt_count FROM sessions WHERE session_id = :s": [("/srv/looms/new", 1)],
        "SELECT link_kind FROM session_links WHERE session_id = :s": [("moved_from",)],
    }
)
def relocated_to_another_repository(home: Path, n: int) -> None:
    talk = talk_of(n, "/srv/looms/old")
    talk.prompt("go")
    talk.answer(f"k{n}")
    talk.state("relocated", relocatedCwd="/srv/looms/other")
    talk.state("relocated", relocatedCwd="/srv/looms/new/.claude/worktrees/x")
    write_home(home, [talk], "-srv-looms-new--claude-worktrees-x")


@shows(
    {
        "SELECT session_id = :s, prompt_count, response_count FROM sessions WHERE session_id IN (:s, :t, :u) "
        "ORDER BY session_id": [
            (True, 1, 1),
            (False, 1, 1),
            (False, 1, 1),
        ],
        "SELECT count(*) FROM token_usage WHERE session_id IN (:s, :t, :u)": [(3,)],
        "SELECT session_id = :t, linked_session_id = :s FROM session_links WHERE session_id IN (:t, :u) "
        "AND link_kind = 'forked_from' ORDER BY session_id, linked_session_id": [(True, True), (False, False)],
    }
)
def a_fork_of_a_fork(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("one")
    talk.answer(f"k{n}a")
    fork = talk.forked(session_id(n + 1))
    fork.prompt("two")
    fork.answer(f"k{n}b")
    second = fork.forked(session_id(n + 2))
    second.prompt("three")
    second.answer(f"k{n}c")
    write_home(home, [talk, fork, second])


@shows(
    {
        "SELECT sum(prompt_count)::int, sum(response_count)::int, sum(record_count)::int FROM sessions "
        "WHERE session_id IN (:s, :t)": [(2, 2, 6)],
        "SELECT link_kind FROM session_links WHERE session_id = :s": [("continued_in",)],
        "SELECT prompt_count FROM sessions WHERE session_id = :t": [(1,)],
    }
)
def continued_in_the_background(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("one")
    talk.answer(f"k{n}a")
    copy = talk.resumed(session_id(n + 1))
    talk.state("continued-in", continuedInSessionId=session_id(n + 1), timestamp="2026-03-02T12:00:00.000Z")
    copy.prompt("two")
    copy.answer(f"k{n}b")
    copy.state("mode", mode="normal")
    write_home(home, [talk, copy])


@shows(
    {
        "SELECT count(*), sum(output_tokens)::int FROM token_usage WHERE session_id IN (:s, :t, :u)": [(2, 12)],
        "SELECT sum(prompt_count)::int FROM sessions WHERE session_id IN (:s, :t, :u)": [(2,)],
        "SELECT sum(record_count)::int FROM sessions WHERE session_id IN (:s, :t, :u)": [(5,)],
    }
)
def silent_forks_of_an_sdk_without_any_ids(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("one")
    talk.add("system", subtype="informational", content="started")
    talk.answer(None, f"answer of {n}", output=5, request=None)
    first = talk.forked(session_id(n + 1), names_original=False)
    first.prompt("two")
    first.answer(None, f"another of {n}", output=7, request=None)
    second = talk.forked(session_id(n + 2), names_original=False)
    write_home(home, [talk, first, second])


@shows(
    {
        "SELECT session_id = :s, has_result FROM tool_calls WHERE session_id IN (:s, :t)": [(True, True)],
        "SELECT count(*) FROM results_without_call WHERE session_id IN (:s, :t)": [(0,)],
    }
)
def continued_elsewhere_before_the_result_of_a_call(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}", call(f"t{n}"), stop_reason="tool_use")
    copy = talk.resumed(session_id(n + 1))
    copy.result(f"t{n}")
    copy.answer(f"k{n}b")
    write_home(home, [talk, copy])


@shows(
    {
        'SELECT "from", "to" FROM environment_history WHERE session_id = :s AND what = \'permission_mode\' '
        "AND seen_at IS NOT NULL ORDER BY seen_at, byte_offset": [(None, "default"), ("default", "plan")],
    }
)
def a_mode_stands_before_the_first_record(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.state("permission-mode", permissionMode="default")
    talk.prompt("go")
    talk.answer(f"k{n}")
    talk.state("permission-mode", permissionMode="plan")
    talk.prompt("on")
    write_home(home, [talk])


@shows(
    {
        "SELECT what, \"from\", \"to\" FROM environment_history WHERE session_id = :s AND what IN ('shell', 'system') "
        "ORDER BY what, seen_at": [
            ("shell", None, "bash"),
            ("shell", "bash", "zsh"),
            ("system", None, "linux, 6.8"),
        ],
        "SELECT DISTINCT \"to\" FROM environment_history WHERE session_id IS NULL AND what = 'shell' "
        "AND seen_at = '2026-03-01 10:00:00+00'": [("fish",)],
    }
)
def a_session_resumed_in_another_shell(home: Path, n: int) -> None:
    talk = talk_of(n)
    for shell in ("bash", "bash", "zsh"):
        snapshot: JsonValue = {"shell": shell, "platform": "linux", "osVersion": "6.8"}
        talk.add("attachment", attachment={"type": "environment", "snapshot": snapshot})
        talk.prompt("go")
    write_home(home, [talk])
    (home / "shell-snapshots").mkdir()
    (home / "shell-snapshots" / "snapshot-fish-1772359200000-abc123.sh").write_text("# Snapshot file\n")
