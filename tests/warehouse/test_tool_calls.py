"""Tool calls are joined with their results: each with its own, once."""

import json
from pathlib import Path

import pytest

from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"


def _record(number: int, kind: str, blocks: list[object], **more: object) -> str:
    record = {"type": kind, "uuid": f"u{number}", "timestamp": f"2026-01-01T00:00:0{number}Z", "sessionId": SESSION}
    return json.dumps({**record, "message": {"role": kind, "content": blocks, **more}}) + "\n"


def test_results_in_one_record_are_distinguished(tmp_path: Path) -> None:
    calls: list[object] = [{"type": "tool_use", "id": name, "name": "Read", "input": {}} for name in ("t1", "t2")]
    results: list[object] = [
        {"type": "tool_result", "tool_use_id": f"t{number}", "content": [{"type": "text", "text": text}]}
        for number, text in ((2, "two"), (1, "one"))
    ]
    path = tmp_path / "home" / "projects" / "-p" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(_record(1, "assistant", calls, id="m", model="x") + _record(2, "user", results))
    extract(tmp_path / "data", tmp_path / "home")
    with warehouse_of(tmp_path / "data") as connection:
        found = connection.execute(
            "SELECT tool_use_id, text FROM tool_calls LEFT JOIN messages ON message_id = result_message_id ORDER BY ALL"
        ).fetchall()
    assert found == [("t1", "one"), ("t2", "two")]


def test_a_compaction_whose_figures_are_none_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "home" / "projects" / "-p" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    record = {"type": "system", "subtype": "compact_boundary", "sessionId": SESSION}
    records = [
        {**record, "uuid": f"u{number}", "timestamp": "2026-01-01T00:00:00Z", "compactMetadata": {"preTokens": tokens}}
        for number, tokens in enumerate((12, "many"))
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    extract(tmp_path / "data", tmp_path / "home")
    with warehouse_of(tmp_path / "data") as connection:
        found = connection.execute("SELECT pre_tokens FROM compactions ORDER BY uuid").fetchall()
    assert found == [(12,), (None,)]
