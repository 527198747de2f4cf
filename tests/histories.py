"""Made-up sessions with known truth: each step writes the records that Claude Code would write, and notes the events in
plain Python by the rules, so that the figures of the warehouse can be compared with them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from models.json import JsonObject, JsonValue
from tests.conversations import START, Talk, call, session_id

PLACES: Final[Mapping[str, str]] = {
    "/home/mira/loom": "/home/mira/loom",
    "/home/mira/loom/": "/home/mira/loom",
    "/home/mira/loom/src": "/home/mira/loom/src",
    "/home/mira/loom/.claude/worktrees/warp": "/home/mira/loom",
    "/home/mira/loom/.claude/worktrees/weft/src/deep": "/home/mira/loom",
    "w:\\loom": "W:\\loom",
    "W:/loom/": "W:\\loom",
    "W:\\loom\\.claude\\worktrees\\warp": "W:\\loom",
    "c:\\": "C:\\",
    "/": "/",
}
"""Working directories as written, and the project that each belongs to."""

MODELS: Final[Mapping[str, str]] = {
    "claude-sonnet-4-5": "claude-sonnet-4-5",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5",
    "claude-sonnet-4-5@20250929": "claude-sonnet-4-5",
    "claude-sonnet-4.5": "claude-sonnet-4-5",
    "claude-opus-4-7[1m]": "claude-opus-4-7",
    "loom-1-large": "loom-1-large",
}
"""Models as written, and the one name of each."""

PRICES: Final[Mapping[str, tuple[float, float, float, float, float]]] = {
    "claude-sonnet-4-5": (3, 15, 0.3, 3.75, 6),
    "claude-opus-4-7": (5, 25, 0.5, 6.25, 10),
}
"""US dollars for a million tokens sent, answered, read from the cache, written to it for five minutes, for an hour."""


@dataclass
class Part:
    """A billed part of a response, as it has to be counted."""

    part: str
    model: str
    sent: int
    output: int
    seconds: int
    read: int = 0
    kept_5m: int = 0
    kept_1h: int = 0

    def cost(self) -> float | None:
        """Return the cost in US dollars, by the prices above."""
        prices = PRICES.get(MODELS[self.model])
        amounts = (self.sent, self.output, self.read, self.kept_5m, self.kept_1h)
        return None if prices is None else round(sum(a * p for a, p in zip(amounts, prices, strict=True)) / 1e6, 9)


@dataclass
class Turn:
    """A prompt of a person: its text, how and where it was entered, and the turn that it follows."""

    text: str
    source: str
    project: str
    before: "Turn | None" = None
    is_linked: bool = True


@dataclass
class History:
    """A session that grows, and the truth about it. `number` keeps ids, texts and times of sessions apart."""

    number: int
    talk: Talk = field(init=False)
    turns: list[Turn] = field(default_factory=list)
    ends: dict[int, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    responses: int = 0
    calls: list[tuple[str, bool, bool | None, bool]] = field(default_factory=list)
    orphans: int = 0
    speakers: Counter[str] = field(default_factory=Counter)
    compactions: int = 0
    title: str | None = None
    last_linked: Turn | None = None
    steps: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.talk = Talk(session_id(self.number), seconds=self.number * 100_000)

    def name(self) -> str:
        """Return a name that nothing else bears."""
        return f"{self.number}-{len(self.talk.records)}"

    def step(self, asked: str, acts: Sequence[str], back: int, pause: int, place: str) -> None:
        """Let a person ask something, after a pause, perhaps after a rewind; then let other acts follow."""
        self.talk.seconds += pause
        self.talk.cwd = place
        self.steps.append((asked, acts, back, pause, place))
        before: Turn | None = self.last_linked
        after: JsonValue = "last"
        linked = [number for number in self.ends if self.turns[number].is_linked]
        if linked and back > 5 and asked not in ("attached", "left in the queue"):
            # One more than there are: the first prompt itself is rewound.
            chosen = back % (len(linked) + 1)
            before = None if chosen == len(linked) else self.turns[linked[chosen]]
            after = None if before is None else self.ends[linked[chosen]]
        ASKED[asked](self, before, after)
        for act in acts:
            ACTS[act](self)
        self._answer()
        self.ends[len(self.turns) - 1] = str([r["uuid"] for r in self.talk.records if "uuid" in r][-1])

    def _answer(self, **more: JsonValue) -> None:
        model = str(more.pop("model", "claude-sonnet-4-5"))
        self.talk.answer(self.name(), output=7, sent=11, model=model, **more)
        self.bill(Part("message", model, 11, 7, self.talk.seconds))

    def bill(self, *parts: Part) -> None:
        """Note a response with its billed parts."""
        self.parts += parts
        self.responses += 1

    def asks(self, text: str, source: str, before: Turn | None, *, is_linked: bool = True) -> None:
        """Note a prompt."""
        turn = Turn(text, source, PLACES[self.talk.cwd], before, is_linked)
        self.turns.append(turn)
        self.speakers["person"] += 1
        if is_linked:
            self.last_linked = turn

    def abandoned(self) -> list[bool]:
        """Return for each prompt whether the active branch, which leads to the last one, leaves it out."""
        active: set[int] = set()
        turn = self.last_linked
        while turn is not None:
            active.add(id(turn))
            turn = turn.before
        return [turn.is_linked and id(turn) not in active for turn in self.turns]

    def day(self, seconds: int, zone: str) -> date:
        """Return the day of an instant in a time zone."""
        return (START + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone)).date()

    def active_seconds(self) -> int:
        """Return the seconds between records, pauses of more than five minutes left out."""
        times = sorted(str(record["timestamp"]) for record in self.talk.records if "timestamp" in record)
        return sum(gap for gap in (seconds_between(a, b) for a, b in pairwise(times)) if gap <= 300)


def seconds_between(one: str, other: str) -> int:
    """Return the whole seconds between two instants as records have them."""
    first, second = (datetime.fromisoformat(text) for text in (one, other))
    return round((second - first).total_seconds())


Asked = Callable[[History, Turn | None, JsonValue], None]
Act = Callable[[History], None]
ASKED: dict[str, Asked] = {}
ACTS: dict[str, Act] = {}


def asked(name: str) -> Callable[[Asked], Asked]:
    """Register a way in which a person asks."""
    return lambda made: ASKED.setdefault(name, made)


def act(name: str) -> Callable[[Act], Act]:
    """Register something that happens behind a prompt."""
    return lambda made: ACTS.setdefault(name, made)


@asked("typed")
def _typed(h: History, before: Turn | None, after: JsonValue) -> None:
    h.asks(text := f"say {h.name()}", "typed", before)
    h.talk.prompt(text, after=after)


@asked("in blocks with tags and a picture")
def _blocks(h: History, before: Turn | None, after: JsonValue) -> None:
    h.asks(text := f"look {h.name()}", "typed", before)
    image: JsonObject = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    }
    around = f"<ide_opened_file>/a</ide_opened_file>{text}<system-reminder>\nx\n</system-reminder>"
    h.talk.prompt([{"type": "text", "text": around}, image], after=after)


@asked("a command")
def _command(h: History, before: Turn | None, after: JsonValue) -> None:
    name = h.name()
    h.asks(f"/weave {name}", "command", before)
    h.talk.prompt(
        "<command-message>weave is running…</command-message>\n<command-name>/weave</command-name>\n"
        f"<command-args>{name}</command-args>",
        after=after,
    )
    h.talk.prompt("Weave it all.", isMeta=True)
    h.speakers["claude_code"] += 1


@asked("attached")
def _attached(h: History, before: Turn | None, _after: JsonValue) -> None:
    h.asks(text := f"also {h.name()}", "queued", before)
    h.talk.add("attachment", attachment={"type": "queued_command", "prompt": text, "commandMode": "prompt"})


@asked("left in the queue")
def _left(h: History, before: Turn | None, _after: JsonValue) -> None:
    # The queue's records name no directory: the one before does.
    h.asks(text := f"and {h.name()}", "queued", before, is_linked=False)
    places = [str(record["cwd"]) for record in h.talk.records if "cwd" in record]
    h.turns[-1].project = PLACES[places[-1] if places else h.talk.cwd]
    for operation, more in (("enqueue", {"content": text}), ("remove", {})):
        h.talk.seconds += 1
        h.talk.state("queue-operation", operation=operation, timestamp=h.talk.now(), **more)


@asked("sdk")
def _sdk(h: History, before: Turn | None, after: JsonValue) -> None:
    h.asks(text := f"run {h.name()}", "sdk", before)
    h.talk.prompt(text, after=after, promptSource="sdk", entrypoint="sdk-ts")


@act("a streamed answer")
def _streamed(h: History) -> None:
    name = h.name()
    for output, stop in ((1, None), (2, None), (90, "end_turn")):
        h.talk.answer(name, output=output, sent=20, stop_reason=stop)
    h.bill(Part("message", "claude-sonnet-4-5", 20, 90, h.talk.seconds - 2))


@act("a gateway")
def _gateway(h: History) -> None:
    name = h.name()
    sent = 1000 + len(h.talk.records)
    h.talk.answer(
        "relay", call(f"t{name}"), sent=sent, output=3, request=None, stop_reason="tool_use", model="loom-1-large"
    )
    h.bill(Part("message", "loom-1-large", sent, 3, h.talk.seconds))
    h.talk.result(f"t{name}")
    h.calls.append(("Bash", True, None, False))


@act("an answer without ids")
def _nameless(h: History) -> None:
    h.talk.answer(None, output=4, sent=30, request=None)
    h.bill(Part("message", "claude-sonnet-4-5", 30, 4, h.talk.seconds))


@act("other spellings")
def _spelled(h: History) -> None:
    for model in MODELS:
        h._answer(model=model)


@act("an advisor")
def _advised(h: History) -> None:
    advisor: JsonObject = {
        "type": "advisor_message",
        "model": "claude-opus-4-7[1m]",
        "input_tokens": 8,
        "output_tokens": 9,
    }
    h.talk.answer(h.name(), usage={"input_tokens": 5, "output_tokens": 6, "iterations": [advisor]})
    at = h.talk.seconds
    h.bill(Part("message", "claude-sonnet-4-5", 5, 6, at), Part("advisor", "claude-opus-4-7[1m]", 8, 9, at))


@act("a fallback")
def _fell_back(h: History) -> None:
    given_up: JsonObject = {"type": "message", "model": "claude-opus-4-7[1m]", "input_tokens": 3, "output_tokens": 4}
    served: JsonObject = {
        "type": "fallback_message",
        "model": "claude-sonnet-4-5",
        "input_tokens": 5,
        "output_tokens": 6,
    }
    h.talk.answer(h.name(), usage={"input_tokens": 5, "output_tokens": 6, "iterations": [given_up, served]})
    at = h.talk.seconds
    h.bill(Part("fallback", "claude-sonnet-4-5", 5, 6, at), Part("attempt", "claude-opus-4-7[1m]", 3, 4, at))


@act("caches")
def _cached(h: History) -> None:
    tiers: JsonObject = {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 700}
    usage: JsonObject = {"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": 9000}
    h.talk.answer(h.name(), usage={**usage, "cache_creation_input_tokens": 1000, "cache_creation": tiers})
    h.bill(Part("message", "claude-sonnet-4-5", 5, 6, h.talk.seconds, 9000, 300, 700))


@act("a limit")
def _limited(h: History) -> None:
    nothing: JsonObject = {"input_tokens": 0, "output_tokens": 0}
    h.talk.answer(h.name(), "You have hit your limit", model="<synthetic>", usage=nothing, isApiErrorMessage=True)


@act("calls")
def _called(h: History) -> None:
    """Call thrice in one response: one succeeds, one fails, one is refused; the results come in another order."""
    name = h.name()
    blocks = [block for number in range(3) for block in call(f"t{name}-{number}", "Edit")]
    h.talk.answer(name, blocks, output=50, sent=60, stop_reason="tool_use")
    h.bill(Part("message", "claude-sonnet-4-5", 60, 50, h.talk.seconds))
    refused = "The user doesn't want to proceed with this tool use. The tool use was rejected."
    for number, text, is_error in ((2, refused, True), (0, "fine", False), (1, "Exit code 1", True)):
        block: JsonObject = {"type": "tool_result", "tool_use_id": f"t{name}-{number}", "content": text}
        h.talk.prompt([{**block, "is_error": is_error}])
        h.calls.append(("Edit", True, is_error, text == refused))


@act("a call of the API's own")
def _server(h: History) -> None:
    name = h.name()
    made: JsonObject = {"type": "server_tool_use", "id": f"s{name}", "name": "web_search", "input": {}}
    h.talk.answer(name, [made, {"type": "web_search_tool_result", "tool_use_id": f"s{name}", "content": []}])
    h.bill(Part("message", "claude-sonnet-4-5", 5, 10, h.talk.seconds))
    h.calls.append(("web_search", True, None, False))


@act("a call without an answer")
def _unanswered(h: History) -> None:
    name = h.name()
    h.talk.answer(name, call(f"t{name}", "Read"), stop_reason="tool_use")
    h.bill(Part("message", "claude-sonnet-4-5", 5, 10, h.talk.seconds))
    h.calls.append(("Read", False, None, False))


@act("an answer without a call")
def _orphan(h: History) -> None:
    h.talk.result(f"lost{h.name()}")
    h.orphans += 1


@act("texts of others")
def _others(h: History) -> None:
    for speaker, text, more in OTHERS:
        h.talk.prompt(text, **more)
        h.speakers[speaker] += 1


OTHERS: Final[Sequence[tuple[str, str, Mapping[str, JsonValue]]]] = (
    ("claude_code", "<task-notification><status>done</status></task-notification>", {}),
    ("claude_code", "[Request interrupted by user]", {}),
    ("claude_code", "go on", {"origin": {"kind": "auto-continuation"}}),
    ("teammate", 'Another Claude session sent a message:\n<teammate-message teammate_id="a">hi</teammate-message>', {}),
    ("teammate", "hello", {"origin": {"kind": "peer"}}),
    ("schedule", "check the mail", {"isMeta": True, "scheduledTaskId": "0a1b2c3d", "promptSource": "system"}),
    ("hook", "Stop hook feedback: lint failed", {"isMeta": True}),
)


@act("a compaction")
def _compacted(h: History) -> None:
    named = [record["uuid"] for record in h.talk.records if "uuid" in record]
    if not named:
        return
    boundary = h.talk.add(
        "system", None, subtype="compact_boundary", content="Conversation compacted", logicalParentUuid=named[-1]
    )
    h.talk.prompt("This session is being continued …", after=boundary, isCompactSummary=True)
    h.compactions += 1


@act("a title")
def _titled(h: History) -> None:
    h.title = f"title {h.name()}"
    h.talk.state("custom-title", customTitle=h.title)
    h.talk.state("ai-title", aiTitle="made up by a model")


STEP: Final = st.tuples(
    st.sampled_from(sorted(ASKED)),
    st.lists(st.sampled_from(sorted(ACTS)), max_size=4),
    st.integers(0, 9),
    st.sampled_from((0, 5, 299, 301, 40_000)),
    st.sampled_from(sorted(PLACES)),
)
HISTORIES: Final = st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=20, max_size=40)
