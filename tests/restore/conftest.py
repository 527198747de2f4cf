"""A home, its archive, and a place for a restore; a module may have its own."""

import shutil
from pathlib import Path

import pytest

from tests.restore.restoring import PROMPT, SESSION
from tests.support import extract


@pytest.fixture(scope="session")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the home and of its archive, which tests must not change."""
    base = tmp_path_factory.mktemp("archived")
    home = base / "home"
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
    extract(base / "data", home)
    return base


@pytest.fixture
def home(archived: Path, tmp_path: Path) -> Path:
    return shutil.copytree(archived / "home", tmp_path / "home", symlinks=True)


@pytest.fixture
def data(archived: Path, tmp_path: Path) -> Path:
    return shutil.copytree(archived / "data", tmp_path / "data", symlinks=True)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "restored"
