"""What is never opened: every kind of secret that a home was seen to hold, under every name that its copies get."""

import pytest

from extractors._registry import Classifier, Treatment

_SECRETS = """
.credentials.json .CREDENTIALS.json .credentials.json.bak oauth_credentials.json plugins/x/google-credentials.json
.claude.json .claude.json.backup backups/.claude.json.backup.1768724512305 .claude-custom.json
sessions/4711.0a1b.key daemon/control.key daemon/control.key.bak ide/12345.lock
settings.json Settings.Local.JSON settings.json.bak settings.json~ remote-settings.json .claude/settings.local.json
config.json .config.json config.json.backup .mcp.json mcp.json plugins/x/.mcp.json mcp_servers.json
claude_desktop_config.json channels/chat/.env channels/chat/state.json
plugins/x/.npmrc plugins/x/.npmrc.bak _netrc .netrc .git-credentials
.env plugins/x/.env plugins/x/.env.local plugins/x/.env~ .envrc prod.env
.openai_key .openai_key.bak .openai-key.txt server.pem server.pem.old id_ed25519 id_rsa.bak x.p12
api_key.txt github_token github-token.txt .token token.json oauth_token.json .secrets secrets.yaml
client_secret_1.apps.json
"""

_CONTENT = """
commands/secrets-handling.md commands/credentials.md agents/credentials-reviewer.md commands/settings.json.md
projects/-p/memory/settings.md plans/token-keys.md skills/design/tokens.json skills/keys/SKILL.md
tasks/credentials/1.json teams/x/config.json plugins/config.json keybindings.json mcp-needs-auth-cache.json
session-env/3fd192e1-4608-4d4e-a084-ebefc26337f3/hook-1.sh history.jsonl
projects/-home-u-settings/3fd192e1-4608-4d4e-a084-ebefc26337f3.jsonl
file-history/3fd192e1-4608-4d4e-a084-ebefc26337f3/0123456789abcdef@v1
"""


@pytest.mark.parametrize("path", _SECRETS.split())
@pytest.mark.parametrize("entry_type", ["file", "link"])
def test_a_secret_is_withheld(path: str, entry_type: str) -> None:
    assert Classifier(archive_trees=True).place(path, entry_type).treatment is Treatment.WITHHOLD


@pytest.mark.parametrize("path", _CONTENT.split())
def test_what_only_sounds_like_a_secret_is_kept(path: str) -> None:
    assert Classifier().place(path, "file").treatment in (Treatment.EXTRACT, Treatment.ARCHIVE)
