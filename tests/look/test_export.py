"""`extract export`: a session as a document, masked and harmless, and written again only where it changed."""

import json
import re
from pathlib import Path

import pytest

from models.errors import ExitCode
from models.text import safe
from tests.command_line import call
from tests.look.story import HOSTILE, TIDY

pytestmark = pytest.mark.duckdb


def test_a_document_has_what_a_reader_asks_for(told: Path) -> None:
    ran = call("export", TIDY[:8], "--data", told)
    assert (ran.code, ran.err) == (0, ""), ran.err
    head, _, body = ran.out.removeprefix("---\n").partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert json.loads(fields["session_id"]) == TIDY
    for line in (
        "# fix the total in cart.py",
        "## Objectives",
        "- now write the release notes for v2",
        "## Files created and modified",
        "## Errors met",
        "## Tokens",
        "## Conversation",
        "I look at **cart.py** first.",
        "> **Grep** done: ` tax `",
    ):
        assert line in body.splitlines(), line
    assert "` /work/shop/cart.py ` modified, 1 edits" in body
    assert "(rewound)" in body
    assert "tool_failed Bash: 2 failed" in body


def test_a_hostile_document_holds_no_tag_no_escape_and_no_heading_of_a_transcript(told: Path) -> None:
    made = call("export", HOSTILE, "--data", told).out
    assert "owned" in made
    assert safe(made, keep_newlines=True) == made
    outside = re.sub(r"(?ms)^ *(`{3,}).*?^ *\1`*$", "", made)
    assert "<b>" not in re.sub(r"`[^`\n]*`", "", outside)


def test_documents_are_written_again_only_where_they_changed(told: Path, tmp_path: Path) -> None:
    where = tmp_path / "docs"
    first = call("export", "--to", where, "--data", told)
    assert (first.code, first.err) == (0, "")
    names = sorted(path.name for path in where.iterdir())
    assert len(names) == 4
    assert all(re.fullmatch(r"INDEX\.md|2026-03-0[12]-[0-9a-f]{8}-[0-9a-f]{6}\.md", name) for name in names)
    index = (where / "INDEX.md").read_text(encoding="utf-8")
    assert all(name in index for name in names if name != "INDEX.md")
    assert "0 files written" in call("export", "--to", where, "--data", told).out
    (where / names[0]).write_text("changed", encoding="utf-8")
    assert "1 file written" in call("export", "--to", where, "--data", told).out
    assert len(list(where.iterdir())) == 4


def test_what_cannot_be_exported_is_refused(told: Path) -> None:
    assert call("export", "--data", told).code == ExitCode.USAGE
    assert call("export", "zzz", "--data", told).code == ExitCode.USAGE
    assert call("export", TIDY, "--redact", "some", "--data", told).code == ExitCode.USAGE
