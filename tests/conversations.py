"""Made-up transcripts for tests of the warehouse: records as Claude Code writes them, one call each."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from models.json import JsonObject, JsonValue

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def session_id(number: int) -> str:
    """Return the id of a made-up session."""
    return str(UUID(int=0xA0000000_0000_4000_8000_000000000000 + number))


@dataclass(slots=True)
class Talk:
    """A transcript that grows record by record; each follows the one before unless `after` names another."""

    session: str = field(default_factory=lambda: session_id(1))
    cwd: str = "/home/mira/loom"
    records: list[JsonObject] = field(default_factory=list)
    seconds: int = 0

    def add(self, kind: str, after: JsonValue = "last", **more: JsonValue) -> str:
        """Add a record and return its uuid."""
        self.seconds += 1
        earlier = [record["uuid"] for record in self.records if "uuid" in record]
        parent = (earlier[-1] if earlier else None) if after == "last" else after
        uuid = f"{self.session[:8]}-{len(self.records):04}-4000-8000-{self.session[-12:]}"
        at = self.now()
        place: JsonObject = {"cwd": self.cwd, "sessionId": self.session, "version": "2.1.260", "isSidechain": False}
        self.records.append({"type": kind, "uuid": uuid, "parentUuid": parent, "timestamp": at, **place, **more})
        return uuid

    def now(self) -> str:
        """Return the talk's time as records have it."""
        return (START + timedelta(seconds=self.seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def prompt(self, text: JsonValue, **more: JsonValue) -> str:
        """Add a user record."""
        return self.add("user", message={"role": "user", "content": text}, **more)

    def answer(
        self, name: str | None, content: JsonValue = "done", output: int = 10, sent: int = 5, **more: JsonValue
    ) -> str:
        """Add an assistant record of the response `name`; its request has the same name unless `request` is given."""
        request = more.pop("request", f"req_{name}")
        usage = more.pop("usage", None) or {"input_tokens": sent, "output_tokens": output}
        blocks: JsonValue = [{"type": "text", "text": content}] if isinstance(content, str) else content
        message: JsonObject = {"role": "assistant", "model": more.pop("model", "claude-sonnet-4-5"), "content": blocks}
        message |= {"stop_reason": more.pop("stop_reason", "end_turn"), "usage": usage}
        if name is not None:
            message["id"] = f"msg_{name}"
        if request is not None:
            more["requestId"] = request
        return self.add("assistant", message=message, **more)

    def result(self, call: str, text: str = "fine", **more: JsonValue) -> str:
        """Add the result of a tool call."""
        block: JsonObject = {"type": "tool_result", "tool_use_id": call, "content": text}
        return self.prompt([block], toolUseResult={"stdout": text}, **more)

    def state(self, kind: str, **more: JsonValue) -> None:
        """Add a record without uuid and time."""
        self.records.append({"type": kind, "sessionId": self.session, **more})

    def forked(self, session: str, *, names_original: bool = True) -> "Talk":
        """Return a copy under another session id and new uuids, as the SDK makes it."""
        new = {str(record["uuid"]): f"f{str(record['uuid'])[1:]}" for record in self.records if "uuid" in record}
        copies: list[JsonObject] = []
        for record in self.records:
            copy = {**record, "sessionId": session}
            if "uuid" in record:
                parent = record.get("parentUuid")
                copy |= {"uuid": new[str(record["uuid"])], "parentUuid": new.get(str(parent)) if parent else None}
                if names_original:
                    copy["forkedFrom"] = {"sessionId": self.session, "messageUuid": record["uuid"]}
            copies.append(copy)
        return Talk(session, self.cwd, copies, self.seconds)

    def resumed(self, session: str) -> "Talk":
        """Return a copy under another session id with the same uuids, as older versions make it."""
        return Talk(session, self.cwd, [{**record, "sessionId": session} for record in self.records], self.seconds)


def call(name: str, tool: str = "Bash", **given: JsonValue) -> list[JsonValue]:
    """Return the content of a record that calls a tool."""
    return [{"type": "tool_use", "id": name, "name": tool, "input": given}]


def write_home(home: Path, talks: Iterable[Talk], directory: str = "-home-mira-loom") -> None:
    """Write transcripts into a home; a talk that is there already is written over."""
    place = home / "projects" / directory
    place.mkdir(parents=True, exist_ok=True)
    for talk in talks:
        write_lines(place / f"{talk.session}.jsonl", talk.records)


def write_lines(path: Path, records: Iterable[Mapping[str, JsonValue]]) -> None:
    """Write records as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
