"""Sample homes: the same bytes each time, every source and oddity, and the rules that real homes keep."""

import hashlib
import os
import re
import subprocess
import sys
import zlib
from collections import defaultdict
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.demo.demo import DemoSummary, Mix, make_home
from tests.demo.sample_homes import TRANSCRIPT, UUID, Record, files, good_records, transcripts, tree_digest, walk

ROOT = Path(__file__).resolve().parents[2]
HEADER = re.compile(rb"(?m)^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )?\[(?:DEBUG|INFO|WARN|ERROR)\] ")


def inner(record: Record, *keys: str) -> object:
    """Return the value below a path of keys, or None."""
    value: object = record
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("mix", ["transcripts", "small-files"])
def test_the_same_arguments_give_the_same_names_bytes_modes_and_times(tmp_path: Path, mix: Mix) -> None:
    first = make_home(tmp_path / "a", mb=2, seed=5, mix=mix)
    second = make_home(tmp_path / "b", mb=2.0, seed=5, mix=mix)
    assert tree_digest(first.root) == tree_digest(second.root)
    assert (first.files, first.bytes, first.entries, first.oddities) == (
        second.files,
        second.bytes,
        second.entries,
        second.oddities,
    )


def test_neither_hash_seed_nor_time_zone_nor_umask_changes_a_home(tmp_path: Path) -> None:
    program = "import os, sys; os.umask(int(sys.argv[2], 8)); from pathlib import Path; "
    program += "from pipelines.demo.demo import make_home; make_home(Path(sys.argv[1]), mb=0.3)"
    digests = set()
    for seed, zone, mask in (("1", "UTC", "022"), ("2", "Pacific/Auckland", "077")):
        place = tmp_path / seed
        surroundings = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", program, str(place), mask], check=True, env=surroundings, cwd=tmp_path)
        digests.add(tree_digest(place))
    assert len(digests) == 1


def test_another_seed_gives_another_home(tmp_path: Path) -> None:
    first, second = (files(make_home(tmp_path / str(seed), mb=0.3, seed=seed).root) for seed in (1, 2))
    same = {path for path in first.keys() & second.keys() if TRANSCRIPT.fullmatch(path)}
    assert same == set()
    assert first["history.jsonl"] != second["history.jsonl"]


@pytest.mark.parametrize("mix", ["transcripts", "small-files"])
@pytest.mark.parametrize("mb", [2, 3.5, 9])
def test_a_home_is_as_large_as_asked_within_a_twentieth(tmp_path: Path, mb: float, mix: Mix) -> None:
    summary = make_home(tmp_path / "home", mb=mb, mix=mix)
    assert 0.95 <= sum(map(len, files(summary.root).values())) / (mb * 1_000_000) <= 1.05


def test_a_home_of_small_files_has_many_and_they_are_small(tmp_path: Path) -> None:
    summary = make_home(tmp_path / "home", mb=9, mix="small-files")
    data = files(summary.root)
    shares: dict[str, int] = defaultdict(int)
    for path, content in data.items():
        shares[path.split("/")[0]] += len(content)
    assert len(data) > 1000
    assert shares["debug"] + shares["file-history"] > 0.6 * summary.bytes


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), broken=st.booleans())
def test_the_summary_says_what_is_on_disk(tmp_path_factory: pytest.TempPathFactory, seed: int, broken: bool) -> None:
    summary = make_home(tmp_path_factory.mktemp("law") / "home", mb=0.3, seed=seed, broken=broken)
    data = files(summary.root)
    assert summary.files == len(data)
    assert summary.bytes == sum(map(len, data.values()))
    assert summary.entries["history"] == data["history.jsonl"].count(b"\n")
    lines = sum(map(len, transcripts(summary.root).values()))
    others = [path for path in data if path.startswith("projects/") and not TRANSCRIPT.fullmatch(path)]
    assert summary.entries["projects"] == lines + len(others)
    logs = {path: content for path, content in data.items() if re.fullmatch(rf"debug/{UUID}\.txt", path)}
    preambles = sum(bool(content) and not HEADER.match(content) for content in logs.values())
    assert summary.entries["debug"] == sum(len(HEADER.findall(log)) for log in logs.values()) + preambles


def test_a_directory_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not an empty directory"):
        make_home(tmp_path)
    with pytest.raises(ValueError, match="not an empty directory"):
        make_home(tmp_path / "mine.txt")
    assert [path.name for path in walk(tmp_path)] == ["mine.txt"]


@pytest.mark.parametrize(("mb", "mix"), [(0, "transcripts"), (-1, "transcripts"), (1, "large-files")])
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, mb: float, mix: Mix) -> None:
    with pytest.raises(ValueError, match="must be"):
        make_home(tmp_path / "home", mb=mb, mix=mix)
    assert not (tmp_path / "home").exists()


SHAPES = (
    "history.jsonl",
    "paste-cache/[0-9a-f]{16}.txt",
    f"debug/{UUID}.txt",
    f"file-history/{UUID}/[0-9a-f]{{16}}@v1",
    f"todos/({UUID})-agent-\\1.json",
    f"todos/{UUID}-agent-{UUID}.json",
    f"todos/{UUID}.json",
    f"tasks/{UUID}/\\d+.json",
    f"tasks/{UUID}/.lock",
    f"tasks/{UUID}/.highwatermark",
    "plans/[a-z]+-[a-z]+-[a-z]+.md",
    "teams/[^/]+/config.json",
    "teams/[^/]+/inboxes/builder.json",
    "shell-snapshots/snapshot-bash-\\d+-[0-9a-f]{6}.sh",
    "shell-snapshots/snapshot-zsh-\\d+-[0-9a-f]{6}.sh",
    "shell-snapshots/snapshot-zsh-[0-9a-f]{8}.sh",
    f"session-env/{UUID}",
    f"session-env/{UUID}/sessionstart-hook-1.sh",
    f"projects/[^/]+/{UUID}.jsonl",
    "projects/[^/]+/agent-[0-9a-f]{8}.jsonl",
    f"projects/[^/]+/{UUID}/subagents/agent-a[0-9a-f]{{6}}.jsonl",
    f"projects/[^/]+/{UUID}/subagents/agent-a[0-9a-f]{{16}}.jsonl",
    f"projects/[^/]+/{UUID}/subagents/agent-a[0-9a-f]{{16}}.meta.json",
    f"projects/[^/]+/{UUID}/subagents/agent-acompact-[0-9a-f]{{16}}.jsonl",
    f"projects/[^/]+/{UUID}/tool-results/[^/]+.txt",
    "projects/[^/]+/memory/MEMORY.md",
    "projects/[^/]+/sessions-index.json",
    "projects/C--Users-Mira-source-ledger",
    "projects/my-notebooks/runs/2026-05/metrics.jsonl",
    "stats-cache.json",
    "settings.json",
    ".credentials.json",
    "sessions/\\d+.json",
    "sessions/\\d+.[0-9a-f]{64}.key",
    "ide/\\d+.lock",
    "statsig/statsig.session_id.\\d+",
    f"telemetry/1p_failed_events.{UUID}.{UUID}.json",
    "plugins/cache/.*/node_modules/.*/index.js",
    "plugins/cache/.*/history.jsonl",
    ".last-cleanup",
    "CLAUDE.md",
    "commands/.*.md",
    "agents/.*.md",
    "cache/changelog.md",
    "backups/.claude.json.backup.\\d+",
    "jobs/[0-9a-f]{8}/state.json",
    f"usage-data/facets/{UUID}.json",
    "debug/latest",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_even_a_tiny_home_has_every_source(tiny: DemoSummary, shape: str) -> None:
    names = [path.relative_to(tiny.root).as_posix() for path in walk(tiny.root)]
    assert any(re.fullmatch(shape.replace(".", r"\.").replace(r"\.*", ".*"), name) for name in names)


def test_no_name_is_forbidden_on_any_system(made: DemoSummary) -> None:
    names = [path.name for path in walk(made.root)]
    assert [name for name in names if re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', name)] == []
    lowered = [path.relative_to(made.root).as_posix().lower() for path in walk(made.root)]
    assert len(set(lowered)) == len(lowered)


RECORD_TYPES = set(
    """agent-name ai-title assistant attachment bridge-session custom-title file-history-delta file-history-snapshot
    fork-context-ref frame-link last-prompt mode permission-mode pr-link progress queue-operation saved_hook_context
    summary system user orbit-marker""".split()  # noqa: SIM905
)
INNER_TYPES = {
    ("system", "subtype"): """local_command api_error compact_boundary microcompact_boundary turn_duration
        stop_hook_summary away_summary informational bridge_status""",
    ("progress", "data", "type"): """bash_progress hook_progress agent_progress mcp_progress query_update
        search_results_received waiting_for_task""",
    ("attachment", "attachment", "type"): """hook_success hook_additional_context hook_system_message
        total_tokens_reminder task_reminder todo_reminder queued_command skill_listing deferred_tools_delta
        agent_listing_delta mcp_instructions_delta edited_text_file file directory nested_memory
        compact_file_reference date_change command_permissions plan_mode plan_mode_exit read_truncation_notice
        invoked_skills""",
    ("queue-operation", "operation"): "enqueue dequeue remove popAll",
}


def test_every_known_type_of_record_is_there(made: DemoSummary) -> None:
    records = [record for found in good_records(made.root).values() for record in found]
    assert {str(record["type"]) for record in records if "type" in record} == RECORD_TYPES
    for (kind, *keys), names in INNER_TYPES.items():
        found = {inner(record, *keys) for record in records if record.get("type") == kind}
        assert set(names.split()) <= found, kind


def test_a_response_is_several_records_and_their_usage_is_as_true_as_the_version_made_it(made: DemoSummary) -> None:
    responses: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for path, records in good_records(made.root).items():
        for record in records:
            if record.get("type") == "assistant" and record.get("requestId") and "subagents" not in path:
                responses[path, str(inner(record, "message", "id"))].append(record)
    seen = set()
    for group in responses.values():
        version = tuple(map(int, str(group[0]["version"]).split(".")))
        counts = [int(str(inner(record, "message", "usage", "output_tokens"))) for record in group]
        if len({str(record.get("uuid")) for record in group}) < 2:
            continue
        if (2, 1, 12) <= version <= (2, 1, 29):
            assert max(counts) < 10
            seen.add("placeholder")
        elif (2, 1, 31) <= version <= (2, 1, 78):
            assert counts[-1] == max(counts)
            seen.add("last")
        elif version >= (2, 1, 112):
            assert len(set(counts)) == 1
            assert {inner(record, "message", "stop_reason") for record in group} <= {"tool_use", "end_turn"}
            seen.add("final")
    assert seen == {"placeholder", "last", "final"}


def test_a_gateway_gives_odd_ids_no_request_and_floats(made: DemoSummary) -> None:
    path = next(path for path in transcripts(made.root) if "qwen-bridge" in path)
    folder = path.rsplit("/", 1)[0]
    records = [r for p, found in good_records(made.root).items() if p.startswith(folder) for r in found]
    answers = [record for record in records if record.get("type") == "assistant"]
    assert answers
    assert not any("requestId" in record for record in answers)
    assert any(isinstance(inner(record, "message", "usage", "x_anthropic_cost_usd"), float) for record in answers)
    assert any(re.fullmatch(r"msg_\d{14}", str(inner(record, "message", "id"))) for record in answers)


def test_the_directory_of_a_project_follows_the_rule_and_two_projects_share_one(made: DemoSummary) -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path, records in good_records(made.root).items():
        folder = path.split("/")[1]
        cwds = {str(record["cwd"]) for record in records if "cwd" in record}
        if "--claude-worktrees-" not in folder:
            assert all(re.sub(r"[^A-Za-z0-9]", "-", cwd) == folder for cwd in cwds)
            places[folder] |= cwds
    assert max(map(len, places.values())) == 2


def test_results_repeat_the_text_and_name_the_call(made: DemoSummary) -> None:
    calls, answered, spilled = set(), set(), 0
    for records in good_records(made.root).values():
        for record in records:
            content = inner(record, "message", "content")
            for block in content if isinstance(content, list) else []:
                if block.get("type") == "tool_use":
                    calls.add(block["id"])
                elif block.get("type") == "tool_result" and record["type"] == "user":
                    answered.add(block["tool_use_id"])
                    spilled += str(block["content"]).startswith("<persisted-output>")
    assert answered - calls <= set()
    assert len(answered) > 50
    assert spilled


def test_spilled_outputs_are_where_the_result_says(made: DemoSummary) -> None:
    named = []
    for records in good_records(made.root).values():
        named += [inner(record, "toolUseResult", "persistedOutputPath") for record in records]
        sizes = [inner(record, "toolUseResult", "persistedOutputSize") for record in records]
    paths = [str(path).removeprefix("/home/mira/.claude/") for path in named if path]
    assert paths
    assert all((made.root / path).is_file() for path in paths)
    assert len(sizes) > 0


def test_copies_in_progress_records_are_in_the_transcript_of_the_subagent(made: DemoSummary) -> None:
    copies, originals = set(), set()
    for path, records in good_records(made.root).items():
        for record in records:
            if inner(record, "data", "type") == "agent_progress" and inner(record, "data", "message", "message", "id"):
                copies.add(inner(record, "data", "message", "message", "id"))
            elif "subagents" in path:
                originals.add(inner(record, "message", "id"))
    assert copies
    assert copies <= originals


def test_a_fork_repeats_uuids_and_says_from_where(made: DemoSummary) -> None:
    planted = next(oddity for oddity in made.oddities if oddity.code == "fork")
    records = good_records(made.root)
    copied = [record for record in records[planted.path] if "forkedFrom" in record]
    origin = next(path for path in records if path.endswith(f"{inner(copied[0], 'forkedFrom', 'sessionId')}.jsonl"))
    assert {record["uuid"] for record in copied} <= {record.get("uuid") for record in records[origin]}
    assert {record["sessionId"] for record in copied} == {Path(planted.path).stem}


def absolute(path: str, cwd: str) -> str:
    """Return a tracking path as an absolute path, in the notation of the project's own system."""
    if path.startswith("/") or path[1:2] == ":":
        return path
    return f"{cwd}\\{path}" if ":" in cwd else f"{cwd}/{path}"


def test_file_versions_are_named_after_the_path_and_are_there(made: DemoSummary) -> None:
    references, empty, relative = set(), 0, set()
    for path, records in good_records(made.root).items():
        cwd = next((str(record["cwd"]) for record in records if "cwd" in record), "")
        for record in records:
            backups = dict(inner(record, "snapshot", "trackedFileBackups") or {})  # type: ignore[call-overload]
            if record.get("type") == "file-history-delta":
                backups[str(record["trackingPath"])] = record["backup"]
            for tracked, backup in backups.items():
                relative.add(absolute(tracked, cwd) == tracked)
                hashed = hashlib.sha256(absolute(tracked, cwd).encode()).hexdigest()[:16]
                if backup["backupFileName"] is None:
                    empty += 1
                else:
                    assert backup["backupFileName"] == f"{hashed}@v{backup['version']}"
                    references.add(f"file-history/{Path(path).stem}/{backup['backupFileName']}")
    blobs = {path for path in files(made.root) if path.startswith("file-history/")}
    assert relative == {True, False}
    assert empty
    assert references <= blobs
    assert blobs - references, "some versions are referenced by no transcript"
    assert any(b"\x00" in (made.root / path).read_bytes() for path in references), "one is binary"


def test_pastes_are_named_after_their_content_and_some_are_swept(made: DemoSummary) -> None:
    lines = [orjson.loads(line) for line in (made.root / "history.jsonl").read_bytes().splitlines()]
    pastes = [paste for line in lines for paste in line["pastedContents"].values()]
    hashes = {paste["contentHash"] for paste in pastes if "contentHash" in paste}
    kept = {path.stem: path.read_bytes() for path in (made.root / "paste-cache").iterdir()}
    assert all(hashlib.sha256(content).hexdigest()[:16] == name for name, content in kept.items())
    assert all(len(content) > 1024 for content in kept.values())
    assert kept.keys() < hashes
    assert any("content" in paste for paste in pastes)


def test_history_is_in_the_order_of_time_and_its_oldest_lines_have_no_session(made: DemoSummary) -> None:
    raw = (made.root / "history.jsonl").read_bytes().splitlines()
    lines = [orjson.loads(line) for line in raw]
    times = [line["timestamp"] for line in lines]
    assert times == sorted(times)
    first_with = 1_762_041_600_000  # 2025-11-02
    assert all(("sessionId" in line) == (line["timestamp"] >= first_with) for line in lines)
    assert any("sessionId" not in line for line in lines)
    assert len(set(raw)) < len(raw), "one line occurs twice"
    assert any(not line["display"].isascii() for line in lines)


def test_todos_come_in_three_schemas_and_are_mostly_empty(made: DemoSummary) -> None:
    lists = [path.read_bytes() for path in (made.root / "todos").iterdir()]
    schemas = set()
    for data in lists:
        try:
            schemas |= {tuple(sorted(item)) for item in orjson.loads(data)}
        except orjson.JSONDecodeError:
            continue
    assert schemas == {
        ("content", "id", "priority", "status"),
        ("content", "id", "status"),
        ("activeForm", "content", "status"),
    }
    assert lists.count(b"[]") > len(lists) / 2


def test_every_secret_says_that_it_is_none(made: DemoSummary) -> None:
    for path, data in files(made.root).items():
        for found in re.findall(rb"sk-ant-[\w-]+", data):
            assert b"demo-not-a-secret" in found, path
    for name in (".credentials.json", "ide/43121.lock", "daemon/control.key", "config.json", "settings.json"):
        assert b"not-a-secret" in (made.root / name).read_bytes()


def test_texts_compress_like_those_of_real_homes(made: DemoSummary) -> None:
    data = b"\n".join(line for lines in transcripts(made.root).values() for line in lines)
    assert 3 < len(data) / len(zlib.compress(data, 1)) < 9
