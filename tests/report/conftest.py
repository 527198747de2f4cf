"""The home of the tests of reports."""

from pathlib import Path

import pytest

from tests.report.reported import SESSION, line, record, write


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A home in which a bit of everything is."""
    home = tmp_path / "home"
    write(home, "history.jsonl", line() + "not json\n" + line("a \\ud83d b") + line("again", ',"newField":1') + '{"di')
    write(home, f"projects/-c/{SESSION}.jsonl", record("odd-kind", "2.1.10") + '[1]\n"x"\n')
    write(home, f"debug/{SESSION}.txt", "2026-01-18T08:21:52.305Z [DEBUG] one\n2026-01-18T08:21:53.305Z [DEBUG] two\n")
    write(home, ".credentials.json", "{}")
    write(home, "plugins/cache/a/b.md", "# b\n")
    write(home, "CLAUDE.md", "# Notes\n")
    return home
