"""Records of type `attachment` (2.1.96 and newer): context that Claude Code itself adds to a prompt."""

from collections.abc import Callable

from pipelines.demo.home import DemoHome
from pipelines.demo.project import CLAUDE
from pipelines.demo.text import fill
from pipelines.demo.times import date, iso
from pipelines.demo.transcript import Record, Transcript

Make = Callable[[DemoHome, Transcript], Record]


def _skills(home: DemoHome, transcript: Transcript) -> Record:
    names = ["update-config", "simplify", "release-notes"]
    listing = "\n".join(f"- {name}: {home.text.sentences(transcript.rng, 1)}" for name in names)
    return {"type": "skill_listing", "content": listing, "skillCount": 3, "isInitial": True, "names": names}


def _tools(_: DemoHome, __: Transcript) -> Record:
    names = ["CronCreate", "WebFetch", "WebSearch", "NotebookEdit"]
    return {
        "type": "deferred_tools_delta",
        "addedNames": names,
        "addedLines": names,
        "removedNames": [],
        "readdedNames": [],
        "pendingMcpServers": [],
    }


def _agents(home: DemoHome, transcript: Transcript) -> Record:
    lines = [f"- reviewer: {home.text.sentences(transcript.rng, 1)}"]
    return {
        "type": "agent_listing_delta",
        "addedTypes": ["reviewer"],
        "addedLines": lines,
        "removedTypes": [],
        "isInitial": True,
        "showConcurrencyNote": False,
    }


def _file(home: DemoHome, transcript: Transcript) -> Record:
    project = transcript.project
    name = transcript.rng.pick(project.names)
    lines = project.files[name].split("\n")[:40]
    path = project.absolute(name)
    file: Record = {"filePath": path, "content": "\n".join(lines), "numLines": len(lines), "startLine": 1}
    file["totalLines"] = len(lines)
    return {"type": "file", "filename": path, "content": {"type": "text", "file": file}, "displayPath": name}


def _edited(home: DemoHome, transcript: Transcript) -> Record:
    snippet = home.text.snippet(transcript.rng, ".py").split("\n")[:6]
    numbered = "\n".join(f"{number}\t{line}" for number, line in enumerate(snippet, 23))
    path = transcript.project.absolute(transcript.rng.pick(transcript.project.names))
    return {"type": "edited_text_file", "filename": path, "snippet": numbered}


def _directory(_: DemoHome, transcript: Transcript) -> Record:
    path = f"{transcript.project.cwd}/src"
    return {"type": "directory", "path": path, "content": "app.py\ncore\nREADME.md", "displayPath": "src"}


def _memory(_: DemoHome, transcript: Transcript) -> Record:
    path = f"{transcript.project.cwd}/CLAUDE.md"
    content = {"path": path, "type": "Project", "content": "@AGENTS.md\n", "contentDiffersFromDisk": False}
    return {"type": "nested_memory", "path": path, "content": content, "displayPath": "CLAUDE.md"}


def _hook(name: str, more: Record) -> Record:
    event = name.split(":")[0]
    return {"type": "hook_success", "hookName": name, "toolUseID": event, "hookEvent": event} | more


def _context(home: DemoHome, transcript: Transcript) -> Record:
    content = [f"<note>\n{home.text.prose(transcript.rng, 2)}\n</note>"]
    return _hook("SessionStart", {"content": content}) | {"type": "hook_additional_context"}


def _success(_: DemoHome, __: Transcript) -> Record:
    output = '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}'
    more: Record = {
        "content": "",
        "stdout": output,
        "stderr": "",
        "exitCode": 0,
        "command": "guard check",
        "durationMs": 42,
    }
    return _hook("PreToolUse:Bash", more)


def _message(_: DemoHome, __: Transcript) -> Record:
    return _hook("PostToolUse:Bash", {"content": "Tip: review before you push"}) | {"type": "hook_system_message"}


def _queued(home: DemoHome, transcript: Transcript) -> Record:
    prompt = home.text.prompt(transcript.rng, "README.md")
    record: Record = {"type": "queued_command", "prompt": prompt, "commandMode": "prompt"}
    return record | {"origin": {"kind": "human"}, "timestamp": iso(transcript.ms)}


def _plan(kind: str, more: Record) -> Make:
    def make(_: DemoHome, transcript: Transcript) -> Record:
        return {"type": kind} | more | {"planFilePath": f"{CLAUDE}/plans/{transcript.slug}.md"}

    return make


def _invoked(home: DemoHome, transcript: Transcript) -> Record:
    content = f"# Résumé\n\n{home.text.prose(transcript.rng, 2)}"
    return {"type": "invoked_skills", "skills": [{"name": "résumé", "path": "userSettings:résumé", "content": content}]}


def _truncated(_: DemoHome, transcript: Transcript) -> Record:
    banner = f"[Truncated: PARTIAL view — {transcript.project.cwd}/big.log]"
    return {"type": "read_truncation_notice", "banner": banner, "toolUseID": f"toolu_01{transcript.rng.token(22)}"}


def _compacted(_: DemoHome, transcript: Transcript) -> Record:
    name = transcript.rng.pick(transcript.project.names)
    return {"type": "compact_file_reference", "filename": transcript.project.absolute(name), "displayPath": name}


def _mcp(home: DemoHome, transcript: Transcript) -> Record:
    blocks = [f"## issue-tracker\n{home.text.sentences(transcript.rng, 2)}"]
    record: Record = {"type": "mcp_instructions_delta", "addedNames": ["issue-tracker"], "addedBlocks": blocks}
    return record | {"removedNames": []}


def _tokens(_: DemoHome, transcript: Transcript) -> Record:
    text = f"<total_tokens>{transcript.rng.between(1000, 900_000)} tokens left</total_tokens>"
    return {"type": "total_tokens_reminder", "text": text}


def _simple(kind: str, more: Record) -> Make:
    return lambda _, __: {"type": kind} | more


def _date(_: DemoHome, transcript: Transcript) -> Record:
    return {"type": "date_change", "newDate": date(transcript.ms)}


def _question(home: DemoHome, transcript: Transcript) -> Record:
    return {"type": "task_reminder", "content": [fill(transcript.rng, "{title}")], "itemCount": 1}


KINDS: tuple[tuple[tuple[int, ...], Make], ...] = (
    ((2, 1, 96), _skills),
    ((2, 1, 96), _tools),
    ((2, 1, 96), _agents),
    ((2, 1, 96), _simple("todo_reminder", {"content": [], "itemCount": 0})),
    ((2, 1, 96), _question),
    ((2, 1, 112), _simple("command_permissions", {"allowedTools": []})),
    ((2, 1, 112), _file),
    ((2, 1, 112), _edited),
    ((2, 1, 112), _directory),
    ((2, 1, 112), _memory),
    ((2, 1, 121), _plan("plan_mode", {"reminderType": "full", "isSubAgent": False, "planExists": False})),
    ((2, 1, 121), _plan("plan_mode_exit", {"planExists": True})),
    ((2, 1, 138), _invoked),
    ((2, 1, 138), _date),
    ((2, 1, 158), _compacted),
    ((2, 1, 177), _queued),
    ((2, 1, 217), _context),
    ((2, 1, 217), _success),
    ((2, 1, 217), _message),
    ((2, 1, 217), _mcp),
    ((2, 1, 217), _truncated),
    ((2, 1, 217), _tokens),
)


def attach(home: DemoHome, transcript: Transcript, make: Make) -> None:
    """Append one record of type `attachment`."""
    transcript.chain({"attachment": make(home, transcript), "type": "attachment"})


def attach_some(home: DemoHome, transcript: Transcript, chance: float) -> None:
    """Append each attachment that the version writes with probability `chance`."""
    for since, make in KINDS:
        if transcript.traits.since(*since) and transcript.rng.chance(chance):
            attach(home, transcript, make)
