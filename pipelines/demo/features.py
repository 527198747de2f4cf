"""Fields of prompts and progress records of tool calls that only some versions of Claude Code write."""

from pipelines.demo.tools import Call
from pipelines.demo.transcript import Record, Transcript


def prompt_fields(transcript: Transcript, extra: Record | None) -> Record:
    """Return the fields that the version adds to a prompt beside its envelope."""
    traits = transcript.traits
    fields: Record = {}
    if traits.within((1, 0, 120), (2, 1, 17)):
        fields["thinkingMetadata"] = {"level": "none", "disabled": False, "triggers": []}
    elif traits.within((2, 1, 18), (2, 1, 62)):
        fields["thinkingMetadata"] = {"maxThinkingTokens": 31_999}
    if traits.within((2, 1, 12), (2, 1, 62)):
        fields["todos"] = []
    if traits.since(2, 1, 12):
        fields["permissionMode"] = "default"
    if traits.since(2, 1, 142):
        fields |= {"promptSource": "typed", "origin": {"kind": "human"}}
    return fields | (extra or {})


def progress(transcript: Transcript, call: Call, call_id: str) -> None:
    """Append the progress records that the versions of early 2026 wrote while a tool ran."""
    traits, rng = transcript.traits, transcript.rng
    if not traits.has_progress:
        if traits.since(2, 1, 207) and rng.chance(0.1):
            _hook_success(transcript, call, call_id)
        return
    if call.name == "Bash" and rng.chance(0.35) and isinstance(call.content, str):
        _bash_progress(transcript, call.content, call_id)
    if call.name.startswith("mcp__"):
        data: Record = {"type": "mcp_progress", "status": "started", "serverName": "demo", "toolName": call.name[5:]}
        _emit(transcript, data, call_id, call_id)
        _emit(transcript, data | {"status": "completed", "elapsedTimeMs": 812}, call_id, call_id)
    if rng.chance(0.4):
        data = {"type": "hook_progress", "hookEvent": "PostToolUse", "hookName": f"PostToolUse:{call.name}"}
        _emit(transcript, data | {"command": "callback"}, call_id, call_id)


def _bash_progress(transcript: Transcript, output: str, call_id: str) -> None:
    lines = output.split("\n")
    for second in range(2, 2 + transcript.rng.between(1, 3)):
        shown = lines[: 3 * second]
        data: Record = {
            "type": "bash_progress",
            "output": "\n".join(shown[-5:]),
            "fullOutput": "\n".join(shown),
            "elapsedTimeSeconds": second,
            "totalLines": len(shown),
            "timeoutMs": 120_000,
        }
        transcript.tick(900, 1100)
        _emit(transcript, data, f"bash-progress-{second - 2}", call_id)


def _emit(transcript: Transcript, data: Record, name: str, call_id: str) -> None:
    transcript.chain({"type": "progress", "data": data, "toolUseID": name, "parentToolUseID": call_id})


def _hook_success(transcript: Transcript, call: Call, call_id: str) -> None:
    attachment: Record = {"type": "hook_success", "hookName": f"PreToolUse:{call.name}", "toolUseID": call_id}
    attachment |= {"hookEvent": "PreToolUse", "content": "", "stdout": "", "stderr": "", "exitCode": 0}
    attachment |= {"command": "guard check", "durationMs": transcript.rng.between(4, 900)}
    transcript.chain({"attachment": attachment, "type": "attachment"})
