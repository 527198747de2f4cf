"""Compares token counts of the warehouse with those of other programs: `python3 dev.py figures NAME=HOME...` writes
docs/FIGURES.md.

For each home, day (UTC) and model there are four counts: the view `token_usage`; ccusage; agentsview; and a small
reimplementation of ccusage's counting over the raw JSONL, which attributes each difference to the records that cause
it. Reads only the given homes. Both programs are installed below a temporary directory and run without network access.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from models.json import JsonObject, JsonValue

AGENTSVIEW: Final = "agentsview==0.46.1"
CCUSAGE: Final = "ccusage@20.0.24"
TARGET: Final = Path(__file__).resolve().parents[1] / "docs" / "FIGURES.md"
_SHOWN: Final = 3
"""The number of example records for each cause."""


class Tokens(NamedTuple):
    """Tokens of one or more responses."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    def plus(self, other: "Tokens") -> "Tokens":
        return Tokens(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: "Tokens") -> "Tokens":
        return Tokens(*(a - b for a, b in zip(self, other, strict=True)))


Place = tuple[str, str]
"""A day (UTC) and a model, as written."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A record with usage in a transcript: `key` is its message.id and requestId, if it has them; `where` is its
    session and line; `is_beside` means that the file is a subagent's beside the main transcripts.
    """

    place: Place
    message_id: str | None
    request_id: str | None
    time: str
    tokens: Tokens
    where: str
    line: int
    has_ended: bool
    is_subagent: bool
    is_beside: bool
    has_spaces: bool


@dataclass(slots=True)
class Counted:
    """The tokens by one way of counting, by day and model, and within these by message.id."""

    by_place: dict[Place, Tokens] = field(default_factory=dict)
    by_message: dict[tuple[Place, str], Tokens] = field(default_factory=dict)

    def add(self, place: Place, message_id: str | None, tokens: Tokens) -> None:
        self.by_place[place] = self.by_place.get(place, Tokens()).plus(tokens)
        key = (place, message_id or "")
        self.by_message[key] = self.by_message.get(key, Tokens()).plus(tokens)


def raw_records(home: Path) -> Iterator[Raw]:
    """Yield every record with usage, by parsing each line as JSON."""
    for path in sorted((home / "projects").rglob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            message = record.get("message") if isinstance(record, dict) else None
            usage = message.get("usage") if isinstance(message, dict) else None
            if not isinstance(message, dict) or not isinstance(usage, dict) or message.get("model") == "<synthetic>":
                continue
            names = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
            yield Raw(
                place=(str(record.get("timestamp"))[:10], str(message.get("model"))),
                message_id=message.get("id"),
                request_id=record.get("requestId"),
                time=str(record.get("timestamp")),
                tokens=Tokens(*(int(usage.get(name) or 0) for name in names)),
                where=f"{path.stem[:13]} line {number}",
                line=number,
                has_ended=message.get("stop_reason") is not None,
                is_subagent=record.get("isSidechain") is True,
                is_beside=path.name.startswith("agent-") and path.parent.parent == home / "projects",
                has_spaces=b'"usage": ' in line,
            )


def counted_as_ccusage(records: Sequence[Raw]) -> Counted:
    """Count as ccusage does, by observation: each pair of message.id and requestId once, with its largest figures;
    records without a requestId each, unless another one has the same message.id and time, or both are of subagents. A
    line with a space after the colon of "usage" is not counted.
    """
    kept: dict[object, Raw] = {}
    for number, record in enumerate(records):
        if record.has_spaces:
            continue
        request = record.request_id or ("" if record.is_subagent else record.time)
        key: object = (record.message_id, request) if record.message_id else number
        held = kept.get(key)
        if held is None:
            kept[key] = record
        elif sum(record.tokens) > sum(held.tokens):
            kept[key] = replace(held, tokens=record.tokens, where=record.where)
    made = Counted()
    for record in kept.values():
        made.add(record.place, record.message_id, record.tokens)
    return made


def counted_here(warehouse: Path) -> tuple[Counted, Mapping[Place, Counter[str]]]:
    """Return the counts of `token_usage`, and the numbers of billed parts by kind that are not in a record's own
    usage.
    """
    made = Counted()
    parts: dict[Place, Counter[str]] = defaultdict(Counter)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(
            """
            SELECT strftime(responded_at, '%Y-%m-%d'), u.model, r.api_message_id, part, coalesce(u.input_tokens, 0),
                coalesce(u.output_tokens, 0),
                coalesce(u.cache_write_5m_tokens, 0) + coalesce(u.cache_write_1h_tokens, 0),
                coalesce(u.cache_read_tokens, 0)
            FROM token_usage u LEFT JOIN (
                SELECT DISTINCT ON (response_key) response_key, api_message_id FROM responses) r USING (response_key)
            """
        ).fetchall()
    for day, model, message_id, part, *tokens in rows:
        place = (str(day), str(model))
        made.add(place, message_id, Tokens(*map(int, tokens)))
        if part not in ("message", "fallback"):
            parts[place][part] += 1
    return made, parts


def ccusage(program: str, home: Path, scratch: Path) -> Counted | None:
    """Return the counts of ccusage by day and model; None if it fails on the home."""
    env = {"CLAUDE_CONFIG_DIR": str(home)}
    return _asked([program, "claude", "daily", "--offline", "--json", "--breakdown"], env, scratch)


def agentsview(program: str, home: Path, scratch: Path) -> Counted | None:
    """Return the counts of agentsview by day and model; None if it fails on the home."""
    place = scratch / f"agentsview-{home.name}"
    place.mkdir()
    env = {"AGENTSVIEW_DATA_DIR": str(place), "CLAUDE_PROJECTS_DIR": f"{home}/projects", "AGENTSVIEW_NO_DAEMON": "1"}
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(scratch), **env}
    subprocess.run([program, "sync"], env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    options = ("--json", "--all", "--breakdown", "--offline", "--no-sync", "--timezone", "UTC")
    return _asked([program, "usage", "daily", *options], env, scratch)


def _asked(command: Sequence[str], env: Mapping[str, str], scratch: Path) -> Counted | None:
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(scratch), "TZ": "UTC", **env}
    done = subprocess.run(command, env=surroundings, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    try:
        answer: JsonValue = json.loads(done.stdout)
    except ValueError:
        return None
    made = Counted()
    for day in _objects(answer, "daily"):
        for model in _objects(day, "modelBreakdowns"):
            names = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
            tokens = Tokens(*(int(str(model[name])) for name in names))
            made.add((str(day.get("date", day.get("period"))), str(model["modelName"])), None, tokens)
    return made


def _objects(value: JsonValue, name: str) -> list[JsonObject]:
    held = value.get(name) if isinstance(value, dict) else None
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def causes(
    place: Place,
    ours: Counted,
    plain: Counted,
    theirs: Tokens,
    records: Sequence[Raw],
    parts: Mapping[Place, Counter[str]],
) -> Iterator[str]:
    """Yield the causes of the differences for a day and model, with example records."""
    groups: dict[str, list[Raw]] = defaultdict(list)
    for record in records:
        if record.place == place:
            groups[record.message_id or ""].append(record)
    found: dict[str, list[tuple[Tokens, Raw]]] = defaultdict(list)
    keys = {key for key in {*ours.by_message, *plain.by_message} if key[0] == place}
    for key in sorted(keys):
        here, there = ours.by_message.get(key, Tokens()), plain.by_message.get(key, Tokens())
        group = groups.get(key[1])
        if here == there or not group:
            continue
        found[_cause(here, there, group)].append((there.minus(here), group[0]))
    for cause, examples in sorted(found.items()):
        total = Tokens()
        for tokens, _ in examples:
            total = total.plus(tokens)
        shown = ", ".join(raw.where for _, raw in examples[:_SHOWN])
        yield f"{cause}: {len(examples)} responses, {_difference(total)} ({shown})"
    for part, number in sorted(parts.get(place, Counter()).items()):
        yield f"{number} billed parts of the kind `{part}` stand in no usage that ccusage reads"
    rest = theirs.minus(plain.by_place.get(place, Tokens()))
    if any(rest):
        yield f"ccusage itself differs from the plain count of its rule by {_difference(rest)}"


def agentsview_causes(place: Place, more: Tokens, records: Sequence[Raw]) -> Iterator[str]:
    """Yield the cause of agentsview's count of `more` (or fewer) tokens than the warehouse: the first one that explains
    exactly these tokens.
    """
    groups: dict[str, list[Raw]] = defaultdict(list)
    for record in records:
        if record.place == place:
            groups[record.message_id or ""].append(record)
    candidates: dict[str, Counter[str]] = defaultdict(Counter)
    for message_id, group in groups.items():
        runs = 1 + sum(after.line != before.line + 1 for before, after in pairwise(group))
        if runs > 1 and not any(record.request_id for record in group):
            again = "agentsview counts a response without a request id again where other records stand between its own"
            candidates[again][message_id] = runs - 1
        if not any(record.has_ended for record in group):
            candidates["agentsview leaves out responses that never ended"][message_id] = -1
        if all(record.is_beside for record in group):
            candidates["agentsview leaves out files of subagents beside the main transcripts"][message_id] = -1
    for cause, times in candidates.items():
        total = Tokens()
        for message_id, number in times.items():
            largest = max((record.tokens for record in groups[message_id]), key=sum)
            total = total.plus(Tokens(*(value * number for value in largest)))
        if total == more:
            yield f"{cause}: {len(times)} ({', '.join(groups[one][0].where for one in list(times)[:_SHOWN])})"
            return
    yield "agentsview differs, and no rule was found that explains it"


def _cause(here: Tokens, there: Tokens, group: Sequence[Raw]) -> str:
    if all(record.has_spaces for record in group):
        return "ccusage leaves out lines with a space behind the colon of usage"
    if not all(record.request_id for record in group) and sum(there) > sum(here):
        return "ccusage counts each record of a response without a request id again"
    if not all(record.request_id for record in group):
        return "several responses bear one message.id without a request id"
    if len({record.request_id for record in group}) > 1:
        return "one message.id with several request ids"
    if sum(there) > sum(here):
        return "ccusage takes the largest figures of a streamed response, not those of its last record"
    return "a record of another day or file completes the response"


def _difference(tokens: Tokens) -> str:
    names = ("input", "output", "cache write", "cache read")
    shown = [f"{value:+,} {name}" for name, value in zip(names, tokens, strict=True) if value]
    return ", ".join(shown) or "no tokens"


def section(name: str, home: Path, programs: Mapping[str, str], scratch: Path) -> list[str]:
    """Return the lines of the page about one home."""
    data = scratch / f"data-{name}"
    command = [sys.executable, "-m", "pipelines", "run", "--quiet", "--home", f"{name}={home}", "--data", str(data)]
    done = subprocess.run(command, env={**os.environ, "HOME": str(scratch)}, stdin=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 4, 5):
        sys.exit(f"extract run over {name} ended with {done.returncode}")
    ours, parts = counted_here(data / "warehouse.duckdb")
    records = list(raw_records(home))
    plain, theirs = counted_as_ccusage(records), ccusage(programs["ccusage"], home, scratch)
    other = agentsview(programs["agentsview"], home, scratch) or Counted()
    lines = [f"## {name}", ""]
    if theirs is None:
        return [*lines, f"ccusage refuses this home; here {len(ours.by_place)} days and models are counted.", ""]
    places = sorted({*ours.by_place, *theirs.by_place, *other.by_place})
    same = [place for place in places if ours.by_place.get(place) == theirs.by_place.get(place)]
    also = sum(ours.by_place.get(place) == other.by_place.get(place) for place in places)
    lines += [
        f"{len(places)} days and models: ccusage counts {len(same)} of them the same as here, agentsview {also}.",
        "",
    ]
    different = [
        place for place in places if place not in same or ours.by_place.get(place) != other.by_place.get(place)
    ]
    if different:
        lines += ["| day (UTC) | model | here | ccusage − here | agentsview − here |", "|---|---|---|---|---|"]
        for place in different:
            here = ours.by_place.get(place, Tokens())
            shown = f"{here.input:,} in, {here.output:,} out, {here.cache_write:,} written, {here.cache_read:,} read"
            others = (_difference(one.by_place.get(place, Tokens()).minus(here)) for one in (theirs, other))
            lines.append(f"| {place[0]} | `{place[1]}` | {shown} | {' | '.join(others)} |")
        lines.append("")
        for place in different:
            there = theirs.by_place.get(place, Tokens())
            why = list(causes(place, ours, plain, there, records, parts))
            more = other.by_place.get(place, Tokens()).minus(ours.by_place.get(place, Tokens()))
            why += agentsview_causes(place, more, records) if any(more) else ()
            lines += [f"- {place[0]}, `{place[1]}`: {'; '.join(why)}."] if why else []
        lines.append("")
    return lines


def installed(scratch: Path) -> Mapping[str, str]:
    """Install both programs below a directory and return their paths."""
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--include=optional", "--prefix", str(scratch)]
    subprocess.run([*command, CCUSAGE], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    place = scratch / "agentsview"
    venv.create(place, with_pip=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--quiet", "install", AGENTSVIEW]
    subprocess.run(pip, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    return {
        "ccusage": str(scratch / "node_modules" / ".bin" / "ccusage"),
        "agentsview": str(place / "bin" / "agentsview"),
    }


def main() -> int:
    """Write the page. Returns 0."""
    parser = argparse.ArgumentParser(prog="dev.py figures", description=__doc__)
    parser.add_argument("homes", nargs="+", metavar="NAME=HOME")
    parser.add_argument("--ccusage", help="its program, where both are installed already")
    parser.add_argument("--agentsview", help="its program")
    given = parser.parse_args()
    lines = [
        "# Figures beside those of others",
        "",
        f"Made by `python3 dev.py figures NAME=HOME...` with {CCUSAGE} and {AGENTSVIEW}, days in UTC.",
        "Where two counts differ, the records that cause it are named: by the beginning of their session, and line.",
        "",
    ]
    with tempfile.TemporaryDirectory(prefix="extract-figures-") as place:
        scratch = Path(place)
        programs = {"ccusage": given.ccusage, "agentsview": given.agentsview}
        if not all(programs.values()):
            programs = dict(installed(scratch))
        for one in given.homes:
            name, _, home = one.partition("=")
            lines += section(name, Path(home), programs, scratch)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
