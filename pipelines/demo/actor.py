"""The assistant's half of a transcript: responses, tool calls and their results."""

from pipelines.demo import features, tools
from pipelines.demo.file_history import FileHistory
from pipelines.demo.home import DemoHome
from pipelines.demo.project import CLAUDE
from pipelines.demo.tools import Call, Workbench
from pipelines.demo.transcript import Block, Record, Transcript

_PREVIEW = 2000


class Actor:
    """The model that answers in one transcript: the main loop, or a subagent."""

    def __init__(self, home: DemoHome, transcript: Transcript, workbench: Workbench | None = None) -> None:
        self.home = home
        self.transcript = transcript
        self.rng = transcript.rng
        self.traits = transcript.traits
        self.workbench = workbench or Workbench(
            self.rng, home.text, home.runs, transcript.project, self.traits, largest_image=home.largest_image
        )
        self.tools = tools.tools_of(self.traits)
        self.files: FileHistory | None = None

    def step(self, *forced: Call) -> None:
        """Append one response that calls tools, and the results of the calls."""
        rng, transcript = self.rng, self.transcript
        calls = list(forced) or [rng.pick(self.tools)(self.workbench) for _ in range(rng.pick((1, 1, 1, 1, 2, 3)))]
        blocks = self._musings()
        ids = [self.call_id() for _ in calls]
        blocks += [self.tool_use(call, call_id) for call, call_id in zip(calls, ids, strict=True)]
        uuids = transcript.respond(blocks, "tool_use", 30 + sum(len(str(call.input)) for call in calls) // 4)
        transcript.counts.tool_calls += len(calls)
        for index, (call, call_id) in enumerate(zip(calls, ids, strict=True)):
            self.outcome(call, call_id, uuids[max(0, len(uuids) - len(calls) + index)])

    def answer(self) -> str:
        """Append a response that calls no tool; return the uuid of its last record."""
        text = self.home.text.prose(self.rng, self.rng.by_quantiles(1, 1, 3, 8))
        blocks = [block for block in self._musings() if block["type"] == "thinking"]
        uuids = self.transcript.respond([*blocks, {"type": "text", "text": text}], "end_turn", 12 + len(text) // 4)
        return uuids[-1]

    def outcome(self, call: Call, call_id: str, caller: str) -> None:
        """Append the records that Claude Code writes while a tool runs, then the record with the tool's result."""
        transcript = self.transcript
        features.progress(transcript, call, call_id)
        if call.touched and self.files:
            self.files.touch(*call.touched, caller)
        transcript.tick(20, 6000)
        if call.spill:
            self._spill(call, call_id)
        block: Block = {"tool_use_id": call_id, "type": "tool_result", "content": call.content}
        if call.is_error:
            block = {"type": "tool_result", "content": call.content, "is_error": True, "tool_use_id": call_id}
        elif call.name == "Bash":
            block["is_error"] = False
        extra: Record = {"toolUseResult": call.result}
        if self.traits.since(2, 1, 12):
            extra["sourceToolAssistantUUID"] = caller
        transcript.user([block], extra | (call.extra or {}), parent=caller)

    def _musings(self) -> list[Block]:
        rng, blocks = self.rng, list[Block]()
        if rng.chance(0.35):
            thought = "" if self.traits.since(2, 1, 150) else self.home.text.prose(rng, rng.between(1, 3))
            signature = rng.base64(int(rng.by_quantiles(180, 300, 500, 900) * max(0.3, self.home.text.scale)))
            blocks.append({"type": "thinking", "thinking": thought, "signature": signature})
        if rng.chance(0.45):
            blocks.append({"type": "text", "text": self.home.text.sentences(rng, rng.between(1, 3))})
        return blocks

    def tool_use(self, call: Call, call_id: str) -> Block:
        """Return the block that asks for a tool call."""
        block: Block = {"type": "tool_use", "id": call_id, "name": call.name, "input": call.input}
        if self.traits.since(2, 1, 150):
            block["caller"] = {"type": "direct"}
        return block

    def call_id(self) -> str:
        """Return the id of a new tool call."""
        if self.transcript.project.is_gateway:
            return self.rng.pick((f"call_{self.rng.hexa(24)}", f"call_00_{self.rng.token(24)}"))
        return f"toolu_01{self.rng.token(22)}"

    def _spill(self, call: Call, call_id: str) -> None:
        """Write a long output to a file under tool-results/ and keep only a preview of it in the record."""
        transcript = self.transcript
        name = f"{call_id if self.rng.chance(0.6) else self.rng.hexa(9)}.txt"
        data = call.spill.encode()
        path = f"projects/{transcript.project.folder}/{transcript.session}/tool-results/{name}"
        self.home.tree.write(path, data, transcript.ms, mode=0o644)
        call.content = (
            f"<persisted-output>\nOutput too large ({len(data) / 1024:.1f}KB). "
            f"Full output saved to: {CLAUDE}/{path}\n\n"
            f"Preview (first 2KB):\n{call.spill[:_PREVIEW]}\n...\n</persisted-output>"
        )
        if isinstance(call.result, dict):
            call.result |= {"persistedOutputPath": f"{CLAUDE}/{path}", "persistedOutputSize": len(data)}
