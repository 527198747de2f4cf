"""One transcript file while it is made: the envelope of its records, their parent links, their times."""

from dataclasses import dataclass, field

import orjson

from pipelines.demo import usage
from pipelines.demo.project import Project
from pipelines.demo.rng import Rng
from pipelines.demo.times import iso
from pipelines.demo.versions import Traits

Record = dict[str, object]
Block = dict[str, object]


@dataclass
class SessionCounts:
    """Counts of one session that statistics and indexes repeat: messages, prompts, tool calls, tokens."""

    prompts: int = 0
    messages: int = 0
    tool_calls: int = 0
    tokens: dict[str, list[int]] = field(default_factory=dict)
    first_prompt: str = ""


@dataclass
class Transcript:
    """The lines of one transcript. `agent` is empty in a main transcript, else the id of the subagent."""

    rng: Rng
    traits: Traits
    project: Project
    session: str
    ms: int
    agent: str = ""
    sidechain: bool = False
    slug: str = ""
    parent: str | None = None
    prompt: str = ""
    model: str = ""
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    context: int = 12_000
    started: int = 0
    counts: SessionCounts = field(default_factory=SessionCounts)

    def __post_init__(self) -> None:
        self.started = self.ms
        self.model = self.model or self.project.model or usage.model_of(self.rng, self.traits)
        self.sidechain = self.sidechain or bool(self.agent)
        self.envelope()

    def envelope(self) -> None:
        """Compute the fields that all records share; call it after changing one of them."""
        traits = self.traits
        place: Record = {"userType": "external"}
        if traits.since(2, 1, 79):
            place["entrypoint"] = "cli"
        place |= {"cwd": self.project.cwd, "sessionId": self.session, "version": traits.version}
        if traits.since(1, 0, 98):
            place["gitBranch"] = self.project.branch
        side: Record = {"isSidechain": self.sidechain}
        agent: Record = {"agentId": self.agent} if self.agent else {}
        name: Record = {"slug": self.slug} if self.slug and traits.has_slug else {}
        if traits.is_envelope_first:
            self._lead, self._trail = side | place | agent | name, {}
        else:
            double: Record = {"session_id": self.session} if traits.since(2, 1, 207) else {}
            self._lead, self._trail = side | agent, double | place | name

    def tick(self, low: int = 20, high: int = 4000) -> int:
        """Advance the time by a random number of milliseconds; return the new time in epoch milliseconds."""
        self.ms += self.rng.between(low, high)
        return self.ms

    def add(self, record: Record) -> None:
        """Append a record without adding an envelope."""
        line = orjson.dumps(record)
        self.lines.append(line)
        self.size += len(line) + 1

    def chain(self, payload: Record, extra: Record | None = None, *, parent: str | None = "", uuid: str = "") -> str:
        """Append a record with its envelope; return its uuid. The parent is the previous record unless given."""
        uuid = uuid or self.rng.uuid()
        record: Record = {"parentUuid": self.parent if parent == "" else parent}
        record.update(self._lead)
        record.update(payload)
        record["uuid"] = uuid
        record["timestamp"] = iso(self.ms)
        if extra:
            record.update(extra)
        record.update(self._trail)
        self.add(record)
        self.parent = uuid
        return uuid

    def user(
        self, content: str | list[Block], extra: Record | None = None, *, uuid: str = "", parent: str | None = ""
    ) -> str:
        """Append a record of type `user`."""
        payload: Record = {"promptId": self.prompt} if self.prompt and self.traits.since(2, 1, 79) else {}
        payload |= {"type": "user", "message": {"role": "user", "content": content}}
        self.counts.messages += 1
        return self.chain(payload, extra, uuid=uuid, parent=parent)

    def respond(self, blocks: list[Block], reason: str, output: int) -> list[str]:
        """Append one response of the API, one record for each block; return their uuids.

        `output` is the true number of output tokens. Behind a gateway all blocks are in one record.
        """
        gateway = self.project.is_gateway
        groups = [blocks] if gateway else [[block] for block in blocks]
        ids = self._response_ids(gateway)
        tokens = (self.rng.between(1, 12), self.rng.by_quantiles(0, 300, 2000, 30_000), self.context)
        self.context = min(180_000, self.context + tokens[1] + output)
        uuids = []
        for index, group in enumerate(groups):
            uuids.append(self._assistant(group, reason, output, tokens, ids, index == len(groups) - 1))
            if index < len(groups) - 1:
                self.tick(5, 900)
        self._count(output, tokens)
        return uuids

    def _response_ids(self, gateway: bool) -> tuple[str, str]:
        rng = self.rng
        if not gateway:
            return f"msg_01{rng.token(22)}", f"req_011C{rng.token(20)}"
        clock = iso(self.ms)[:19].translate({45: None, 58: None, 84: None})
        return rng.pick((f"msg_{clock}", f"msg_{clock}{rng.hexa(18)}", rng.uuid())), ""

    def _assistant(
        self,
        blocks: list[Block],
        reason: str,
        output: int,
        tokens: tuple[int, int, int],
        ids: tuple[str, str],
        last: bool,
    ) -> str:
        rng, traits = self.rng, self.traits
        message: Record = {"model": self.model, "id": ids[0], "type": "message", "role": "assistant", "content": blocks}
        if self.project.is_gateway:
            message |= {"stop_reason": reason, "stop_sequence": None}
            message["usage"] = usage.gateway_usage(rng, tokens[0] * 40, tokens[2], output)
        else:
            rule = traits.subagent_usage if self.agent else traits.usage
            shown = usage.shown_output(rng, rule, output, last)
            message |= {"stop_reason": usage.shown_stop(rng, rule, reason, last), "stop_sequence": None}
            if traits.since(2, 1, 96):
                message["stop_details"] = None
            message["usage"] = usage.usage(traits, tokens, shown)
            if traits.since(2, 1, 158):
                message["diagnostics"] = None
        payload: Record = {"message": message}
        if ids[1]:
            payload["requestId"] = ids[1]
        payload["type"] = "assistant"
        self.counts.messages += 1
        return self.chain(payload, self._assistant_extra(message))

    def _assistant_extra(self, message: Record) -> Record:
        extra: Record = {}
        if not self.traits.since(1, 0, 98):
            extra |= {"costUSD": self.rng.between(1, 90_000) / 1_000_000, "durationMs": self.rng.between(900, 30_000)}
        if self.agent and self.traits.since(2, 1, 123):
            extra["attributionAgent"] = "general-purpose"
        if self.traits.since(2, 1, 217):
            extra["effort"] = "high"
        return extra

    def _count(self, output: int, tokens: tuple[int, int, int]) -> None:
        totals = self.counts.tokens.setdefault(self.model, [0, 0, 0, 0])
        for index, value in enumerate((tokens[0], output, tokens[2], tokens[1])):
            totals[index] += value

    def data(self) -> bytes:
        """Return the bytes of the file."""
        return b"\n".join([*self.lines, b""])
