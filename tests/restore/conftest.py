"""A home, its archive, and a place for a restore; a module may have its own."""

from pathlib import Path

import pytest

from tests.restore.restoring import PROMPT, SESSION
from tests.support import extract


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    files = {
        "history.jsonl": PROMPT,
        "notes/one.md": b"one",
        "notes/two.md": b"two",
        "notes/deep/three.md": b"three",
        f"debug/{SESSION}.txt": b"2026-01-23T16:46:29.314Z [DEBUG] first\n",
        "stats-cache.json": b"{}",
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    (home / "notes" / "link").symlink_to("../history.jsonl")
    return home


@pytest.fixture
def data(home: Path, tmp_path: Path) -> Path:
    extract(tmp_path / "data", home)
    return tmp_path / "data"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "restored"
