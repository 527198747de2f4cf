"""Settings, fake secrets, registries of processes, and the small files at the top of a home."""

from pipelines.demo.home import DemoHome
from pipelines.demo.project import CLAUDE, HOME
from pipelines.demo.rng import Rng
from pipelines.demo.times import DAY_MS, iso
from pipelines.demo.transcript import Record
from pipelines.demo.tree import key_material

CLEANUP_DAYS = 430


def settings(rng: Rng) -> Record:
    """Return the content of settings.json."""
    return {
        "$schema": "https://json.schemastore.org/claude-code-settings.json",
        "cleanupPeriodDays": CLEANUP_DAYS,
        "env": {"ANTHROPIC_AUTH_TOKEN": key_material(rng), "DISABLE_TELEMETRY": "0"},
        "permissions": {
            "allow": ["Bash(git status:*)", "Read(./docs/**)"],
            "deny": ["Read(./.env)"],
            "defaultMode": "default",
        },
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "notify-send done"}]}]},
        "statusLine": {"type": "command", "command": f"{CLAUDE}/statusline-command.sh"},
        "enabledPlugins": {"reviewer@demo-market": True},
        "model": "opus",
    }


def write_settings(home: DemoHome, rng: Rng) -> None:
    """Write the settings, and the user's own instructions, commands, agents, skills and output styles."""
    tree, text, ms = home.tree, home.text, home.now - 6 * DAY_MS
    tree.json("settings.json", settings(rng), ms, mode=0o600)
    tree.json("settings.local.json", {"permissions": {"allow": ["Bash(make:*)"]}}, ms - DAY_MS)
    tree.json("settings.json.bak-20260301-101010", {"model": "sonnet"}, ms - 150 * DAY_MS)
    tree.json(".claude/settings.local.json", {"permissions": {"allow": ["Bash(ls:*)"]}}, ms - 90 * DAY_MS)
    tree.json(
        "keybindings.json", {"bindings": [{"context": "Chat", "bindings": {"ctrl+e": "chat:externalEditor"}}]}, ms
    )
    tree.json("config.json", {"primaryApiKey": key_material(rng)}, ms, mode=0o600)
    tree.text("CLAUDE.md", f"# How I work\n\n{text.prose(rng, 3)}\n", ms)
    tree.text("statusline-command.sh", "#!/usr/bin/env bash\njq -r '.model.display_name'\n", ms, mode=0o755)
    tree.text("commands/release.md", _front(rng, home, "description: Prepare a release"), ms)
    tree.text(
        "commands/git/tidy.md", _front(rng, home, "description: Tidy up branches\nallowed-tools: Bash(git:*)"), ms
    )
    tree.text("agents/reviewer.md", _front(rng, home, "name: reviewer\ndescription: Reads changes\nmodel: sonnet"), ms)
    tree.text("skills/résumé/SKILL.md", _front(rng, home, "name: résumé\ndescription: Sums up"), ms)
    tree.text("output-styles/terse.md", _front(rng, home, "name: Terse\ndescription: Few words"), ms)
    for path, target, code in (
        ("skills/shared", "../../.agents/shared", "outside_link"),
        ("rules/again", "again", "cyclic_link"),
    ):
        if tree.link(path, target, ms):
            tree.plant(code, path, f"a symbolic link to {target}")
    tree.text("agent-memory/reviewer/MEMORY.md", f"# Memory\n\n- {text.sentences(rng, 1)}\n", ms)


def _front(rng: Rng, home: DemoHome, matter: str) -> str:
    return f"---\n{matter}\n---\n\n{home.text.prose(rng, 2)}\n"


def write_secrets(home: DemoHome, rng: Rng) -> None:
    """Write, with fake content, the files that hold secrets in a real home: credentials, keys, tokens, backups."""
    tree, ms = home.tree, home.now - 2 * DAY_MS
    login = {"accessToken": key_material(rng), "refreshToken": key_material(rng), "expiresAt": ms + DAY_MS}
    tree.json(
        ".credentials.json", {"claudeAiOauth": login | {"scopes": ["user:inference"]}}, ms, indent=False, mode=0o600
    )
    for number, port in enumerate((43121, 51877)):
        lock: Record = {"pid": 4000 + number, "workspaceFolders": [home.projects[number].cwd], "ideName": "Demo Editor"}
        lock |= {"transport": "ws", "runningInWindows": False, "authToken": f"demo-not-a-secret-{rng.uuid()}"}
        tree.json(f"ide/{port}.lock", lock, ms - number * DAY_MS, indent=False, mode=0o600)
    tree.text(".search_api_key", f"demo-not-a-secret-{rng.hexa(32)}\n", ms, mode=0o600)
    tree.text("channels/chat/.env", "CHAT_TOKEN=demo-not-a-secret\n", ms, mode=0o600)
    tree.text("daemon/control.key", f"demo-not-a-secret-{rng.hexa(32)}", ms, mode=0o600)
    account = {"accountUuid": rng.uuid(), "emailAddress": "mira@example.com", "organizationUuid": rng.uuid()}
    for number in range(2):
        paths = {project.cwd: {"allowedTools": [], "mcpServers": {}, "lastCost": 0} for project in home.projects}
        main: Record = {"numStartups": 400 + number, "userID": rng.hexa(64), "oauthAccount": account, "projects": paths}
        when = ms - number * DAY_MS
        tree.json(f"backups/.claude.json.backup.{when}", main, when, mode=0o600)


def write_processes(home: DemoHome, rng: Rng, *, damaged: bool) -> None:
    """Write the registries of running processes: sessions, background jobs, the daemon, scheduled tasks."""
    tree, newest = home.tree, home.facts[-1]
    ms = newest.ended
    process: Record = {
        "pid": 55032,
        "sessionId": newest.session,
        "cwd": newest.project.cwd,
        "startedAt": newest.started,
    }
    process |= {"procStart": "81273645", "version": newest.traits.version, "peerProtocol": 1, "kind": "interactive"}
    process |= {"entrypoint": "cli", "status": "idle", "updatedAt": ms, "statusUpdatedAt": ms}
    tree.json("sessions/55032.json", process, ms, indent=False, mode=0o600)
    tree.text(f"sessions/55032.{rng.hexa(64)}.key", f"demo-not-a-secret-{rng.hexa(32)}", ms, mode=0o600)
    job = f"jobs/{newest.session[:8]}"
    state: Record = {
        "state": "working",
        "detail": "running tests",
        "sessionId": newest.session,
        "cwd": newest.project.cwd,
    }
    tree.json(f"{job}/state.json", state | {"createdAt": iso(newest.started), "updatedAt": iso(ms)}, ms)
    steps = [
        {"at": iso(ms - 1000 * n), "state": "working", "detail": f"step {9 - n}", "text": ""} for n in range(3, 0, -1)
    ]
    tree.lines(f"{job}/timeline.jsonl", steps, ms)
    tree.json("daemon/roster.json", {"workers": []}, ms)
    tree.text("daemon.log", f"[{iso(ms - 9000)}] [supervisor] started\n[{iso(ms)}] [supervisor] idle\n", ms)
    if not damaged:
        cron = {"id": rng.hexa(8), "cron": "0 9 * * 1", "prompt": "Sum up the week", "recurring": True}
        tree.json("scheduled_tasks.json", {"tasks": [cron]}, ms - DAY_MS)
    tree.text("scheduled_tasks.lock", f'{{"sessionId":"{newest.session}","pid":55032}}', ms - DAY_MS)


def write_leftovers(home: DemoHome, rng: Rng) -> None:
    """Write caches, and files that other programs or the user left in the home."""
    tree, text, ms = home.tree, home.text, home.now
    log = "".join(f"## 2.1.{200 + n}\n\n- {text.sentences(rng, 1)}\n- {text.sentences(rng, 1)}\n\n" for n in range(12))
    tree.text("cache/changelog.md", f"# Changelog\n\n{log}", ms - DAY_MS)
    tree.text(".last-cleanup", iso(ms), ms)
    update: Record = {"timestamp": iso(ms - DAY_MS), "path": f"{HOME}/.local/bin/claude", "outcome": "success"}
    tree.json(".last-update-result.json", update | {"version_from": "2.1.229", "version_to": "2.1.232"}, ms - DAY_MS)
    tree.json("mcp-needs-auth-cache.json", {"issue-tracker": {"timestamp": ms}}, ms)
    tree.text("history.jsonl.bak-20260301-101010", '{"display":"old copy","pastedContents":{}}\n', ms - 160 * DAY_MS)
    other = [{"type": "user", "timestamp": iso(ms), "content": text.sentences(rng, 1)}]
    tree.lines(f"transcripts/ses_{rng.token(20)}.jsonl", other, ms - 40 * DAY_MS)
    tree.write(f"image-cache/{home.facts[-1].session}/1.png", b"\x89PNG\r\n\x1a\n" + rng.octets(400), ms - DAY_MS)
    tree.text(f"uploads/{home.facts[-1].session}/notes.txt", text.sentences(rng, 2), ms - DAY_MS)
