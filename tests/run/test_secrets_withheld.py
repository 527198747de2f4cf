"""No name, link or copy of a secret has its bytes kept."""

import os
from pathlib import Path

import pytest

from extractors.home.home import HeldDirectory, Home, PinnedFile
from models.manifest import FileState
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from tests.support import extract

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n" * 20
TOKENS = b'{"access_token": "s3cr3t-0123456789abcdef", "refresh_token": "s3cr3t-0123456789abcdef"}\n'


def _states(data: Path) -> dict[str, FileState]:
    return {state.path: state for state in StoreReader.open(Layout(data)).files() if state.entry_type == "file"}


def test_a_hard_link_to_a_secret_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "plans").mkdir(parents=True)
    (home / ".credentials.json").write_bytes(TOKENS)
    for name in ("harmless.txt", "plans/a-plan.md"):
        os.link(home / ".credentials.json", home / name)
    (home / "other.txt").write_bytes(b"text\n")
    opened: list[bytes] = []
    opening, opening_held = Home.open, HeldDirectory.open

    def noting(self: Home, path: bytes) -> PinnedFile:
        opened.append(path)
        return opening(self, path)

    def noting_held(self: HeldDirectory, path: bytes) -> PinnedFile:
        opened.append(path)
        return opening_held(self, path)

    monkeypatch.setattr(Home, "open", noting)
    monkeypatch.setattr(HeldDirectory, "open", noting_held)
    extract(tmp_path / "data", home)
    states = _states(tmp_path / "data")
    assert {path: state.rule for path, state in states.items() if state.treatment == "withhold"} == {
        ".credentials.json": "credentials",
        "harmless.txt": "same-file",
        "plans/a-plan.md": "same-file",
    }
    assert set(opened) == {b"other.txt"}


def test_an_unknown_file_that_begins_as_a_key_does_is_withheld_until_it_is_none(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    (home / "mine").mkdir(parents=True)
    (home / "plans").mkdir()
    secrets = {"mine/notes": KEY, "mine/state.json": TOKENS, "mine/large": KEY + b"\n" * (70 << 10)}
    for name, content in secrets.items():
        (home / name).write_bytes(content)
    (home / "plans" / "p.md").write_bytes(KEY)
    for is_full in (False, False, True):
        extract(data, home, is_full=is_full)
        rules = {path: state.rule for path, state in _states(data).items() if state.treatment == "withhold"}
        assert rules == {"mine/notes": "looks-like-a-secret", "mine/state.json": "looks-like-a-secret"}
        assert all(_states(data)[path].file_id is None for path in rules)
    (home / "mine" / "notes").write_bytes(b"notes\n")
    extract(data, home)
    assert _states(data)["mine/notes"].treatment == "archive"
    (home / "mine" / "notes").write_bytes(KEY)
    extract(data, home)
    assert _states(data)["mine/notes"].treatment == "withhold"
