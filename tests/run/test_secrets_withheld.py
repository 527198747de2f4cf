"""No name, link or copy of a secret has its bytes kept."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extractors.home.home import HeldDirectory, Home, PinnedFile
from models.manifest import FileState
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings
from pipelines.run.home_listing import list_home
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
    listed = {item.path: item.place.rule for item in list_home(home, Settings(), digests=True).items}
    assert {path for path, rule in listed.items() if rule == "looks-like-a-secret"} == set(rules)
    assert b"mine/notes" not in list_home(home, Settings(), digests=True).digests
    (home / "mine" / "notes").write_bytes(b"notes\n")
    extract(data, home)
    assert _states(data)["mine/notes"].treatment == "archive"
    (home / "mine" / "notes").write_bytes(KEY)
    extract(data, home)
    assert _states(data)["mine/notes"].treatment == "withhold"


NAMES = tuple(
    """
    .credentials.json oauth_credentials.json .claude.json .claude.json.backup settings.json settings.local.json
    config.json .mcp.json claude_desktop_config.json .npmrc .netrc .git-credentials .pypirc .env .env.local .envrc
    prod.env .openai_key .openai-key.txt server.pem id_ed25519 id_rsa id_ed25519_sk id_ecdsa_sk deploy_key x.p12
    x.ppk x.p8 x.kdbx api_key.txt github_token token.json oauth_token.json .secrets secrets.yaml secrets.toml
    client_secret_1.apps.json tokens.json auth.json oauth_creds.json .pgpass .my.cnf .htpasswd .docker/config.json
    .kube/config gh/hosts.yml .aws/credentials .ssh/known .gnupg/secring.gpg service-account.json
    service_account-prod.json prod.tfvars rclone.conf daemon/roster.json daemon/control.key sessions/4711.0a1b.key
    ide/12345.lock channels/state.json terraform.tfstate .boto
    """.split()  # noqa: SIM905 (one in a line would be sixty lines)
)
"""Sixty names of secrets."""
COPIES = ("{}.bak", "{}~", "{} copy", "{} (1)", "{}.old")
OPENED = re.compile(rb'^\d+ +open\w*\((?:\w+, )?"((?:[^"\\]|\\.)*)"')


def plant(home: Path) -> set[bytes]:
    """Write a secret under each name, as a copy, behind a hard link and behind a link; return the names of all."""
    (home / "projects").mkdir(parents=True)
    (home / "notes.md").write_bytes(b"# notes\n")
    planted = set()
    for number, name in enumerate(NAMES):
        secret = home / name
        names = [secret, secret.with_name(COPIES[number % len(COPIES)].format(secret.name))]
        for path in names:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"a secret\n")
        for link, make in ((f"hard-{number}.txt", os.link), (f"soft-{number}.txt", os.symlink)):
            make(secret, home / link)
            names.append(home / link)
        planted |= {os.fsencode(path.name) for path in names}
    return planted


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize(
    "command", [pytest.param("run", marks=pytest.mark.slow), pytest.param("inventory", marks=pytest.mark.soak)]
)
def test_no_call_of_the_system_opens_a_secret(command: str, tmp_path: Path) -> None:
    home, trace = tmp_path / "home", tmp_path / "trace"
    planted = plant(home)
    assert len(NAMES) == 60
    options = ("--home", f"mine={home}", "--data", str(tmp_path / "data"))
    traced = ("strace", "-f", "-qq", "-s", "4096", "-e", "trace=open,openat,openat2,creat", "-o", str(trace))
    done = subprocess.run(
        [*traced, sys.executable, "-m", "pipelines", command, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    paths = [match[1] for line in trace.read_bytes().splitlines() if (match := OPENED.match(line)) is not None]
    inside = [path for path in paths if not path.startswith(b"/") or path.startswith(os.fsencode(home))]
    assert b"notes.md" in {path.rpartition(b"/")[2] for path in inside}
    opened = {path.rpartition(b"/")[2] for path in inside} & planted
    print(f"did: {len(planted)} names, links and copies of {len(NAMES)} secrets, {len(opened)} opened")
    assert opened == set()
