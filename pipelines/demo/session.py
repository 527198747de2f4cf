"""A session: prompts, and for each one the tool calls and other records up to the answer."""

from pipelines.demo import attachments, features, history, kinds, tools
from pipelines.demo.actor import Actor
from pipelines.demo.file_history import FileHistory
from pipelines.demo.home import DemoHome
from pipelines.demo.subagents import delegate
from pipelines.demo.transcript import Block, Record, Transcript


class Session(Actor):
    """The main transcript of a session."""

    def __init__(self, home: DemoHome, transcript: Transcript, versions: dict[str, int] | None = None) -> None:
        super().__init__(home, transcript)
        if self.traits.has_file_history:
            self.files = FileHistory(home, transcript, versions)
        self.turns = 0

    def run(self, budget: int, *, turns: int = 1) -> None:
        """Append turns until the transcript has `budget` bytes, and at least `turns` turns."""
        while self.turns < turns or self.transcript.size < budget:
            self.turn(budget)

    def turn(self, budget: int) -> None:
        """Append a prompt, the tool calls that follow it, and the answer."""
        rng, transcript = self.rng, self.transcript
        transcript.tick(4000, 400_000)
        self.ask(self.home.text.prompt(rng, rng.pick(transcript.project.names)))
        for number in range(rng.by_quantiles(1, 3, 6, 20)):
            if number and transcript.size > budget:
                break
            if number == 1 and rng.chance(0.12):
                delegate(self)
            self.step()
        transcript.tick(300, 9000)
        self.answer()
        self.turns += 1
        kinds.after_turn(self.home, transcript)

    def every_kind(self) -> None:
        """Append one record of every kind that the version writes, and a subagent."""
        delegate(self, responses=1)
        self.step(tools.create(self.workbench), tools.change(self.workbench), tools.mcp(self.workbench))
        for since, make in attachments.KINDS:
            if self.traits.since(*since):
                attachments.attach(self.home, self.transcript, make)
        kinds.after_turn(self.home, self.transcript, every=True)

    def ask(self, text: str, extra: Record | None = None, blocks: list[Block] | None = None) -> str:
        """Append a person's prompt, with the checkpoint before it; return its uuid."""
        transcript = self.transcript
        uuid = self.rng.uuid()
        transcript.prompt = self.rng.uuid()
        full = history.typed(self.home, self.rng, transcript.project, transcript.session, transcript.ms, text)
        if self.files:
            self.files.snapshot(uuid)
        as_blocks: list[Block] = [*(blocks or []), {"type": "text", "text": full}]
        content = as_blocks if blocks or not self.traits.since(1, 0, 98) else full
        transcript.user(content, features.prompt_fields(transcript, extra), uuid=uuid)
        transcript.counts.prompts += 1
        transcript.counts.first_prompt = transcript.counts.first_prompt or text
        attachments.attach_some(self.home, transcript, 0.25 if self.turns == 0 else 0.03)
        return uuid
