"""Files that are never opened: every kind of secret seen in a home, under every name that its copies get."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractors.reading.registry import IN_THE_WAY, Classifier, Treatment
from extractors.reading.rules import INVENTORY_ONLY, WITHHELD, Rule, first_match, folded, may_be_withheld
from models.text import printable_path

_SECRETS = """
.credentials.json .CREDENTIALS.json .credentials.json.bak oauth_credentials.json plugins/x/google-credentials.json
.claude.json .claude.json.backup backups/.claude.json.backup.1768724512305 .claude-custom.json
sessions/4711.0a1b.key daemon/control.key daemon/control.key.bak ide/12345.lock
daemon/roster.json daemon/roster.json.tmp
settings.json Settings.Local.JSON settings.json.bak settings.json~ remote-settings.json .claude/settings.local.json
config.json .config.json config.json.backup .mcp.json mcp.json plugins/x/.mcp.json mcp_servers.json
claude_desktop_config.json channels/chat/.env channels/chat/state.json
plugins/x/.npmrc plugins/x/.npmrc.bak _netrc .netrc .git-credentials
.env plugins/x/.env plugins/x/.env.local plugins/x/.env~ .envrc prod.env
.openai_key .openai_key.bak .openai-key.txt server.pem server.pem.old id_ed25519 id_rsa.bak x.p12
api_key.txt github_token github-token.txt .token token.json oauth_token.json .secrets secrets.yaml
client_secret_1.apps.json
prod.env.bak .envrc~ .env.swp id_ed25519_sk id_ecdsa_sk.old deploy_key deploy-key.txt.bak tokens.json tokens.json.bak
auth.json auth.json~ x/oauth_creds.json .pgpass .pgpass.bak .my.cnf .htpasswd .htpasswd.old .docker/config.json
.kube/config .kube/config.bak gh/hosts.yml .config/gh/hosts.yml service-account.json service-account-prod.json
service_account.json x.ppk x.p8 x.kdbx prod.tfvars prod.auto.tfvars.json secrets.toml secrets.toml.1 rclone.conf
.aws/credentials .aws/config .ssh/known .gnupg/secring.gpg
auth.json.gz auth.json.tar.gz.bak id_rsa.zip prod.env.gpg tokens.json.zst .pgpass.xz secrets.toml.age .env.7z
auth-old.json tokens.bak.json auth(1).json oauth_creds_copy.json service_account.orig.json
"""
_HIDDEN = [
    "id_\u200brsa",
    "\ufeff.env",
    "server\u00ad.pem",
    ".e\u2060nv.local",
    "\uff49\uff44_rsa",
    "credentials.json ",
    ".env.",
    "id_rsa (1)",
    "id_rsa copy",
    "auth (1).json",
    "auth copy 2.json",
    "tokens - Copy (3).json.gz",
    "deploy_key\u202e",
]

_CONTENT = """
commands/secrets-handling.md commands/credentials.md agents/credentials-reviewer.md commands/settings.json.md
projects/-p/memory/settings.md plans/token-keys.md skills/design/tokens.json skills/keys/SKILL.md
tasks/credentials/1.json teams/x/config.json plugins/config.json teams/x/roster.json
 keybindings.json author-copy.json authors(1).json plans/old-tokens-copy.md mcp-needs-auth-cache.json
session-env/3fd192e1-4608-4d4e-a084-ebefc26337f3/hook-1.sh history.jsonl
projects/-home-u-settings/3fd192e1-4608-4d4e-a084-ebefc26337f3.jsonl
file-history/3fd192e1-4608-4d4e-a084-ebefc26337f3/0123456789abcdef@v1
"""


@pytest.mark.parametrize("path", _SECRETS.split())
@pytest.mark.parametrize("entry_type", ["file", "link"])
def test_a_secret_is_withheld(path: str, entry_type: str) -> None:
    assert Classifier(archive_trees=True).place(path, entry_type).treatment is Treatment.WITHHOLD


@pytest.mark.parametrize("name", _HIDDEN)
@pytest.mark.parametrize("folder", ["", "plugins/x/"])
def test_a_secret_is_withheld_though_its_name_only_looks_like_what_it_is(name: str, folder: str) -> None:
    path = printable_path((folder + name).encode())
    assert Classifier(archive_trees=True).place(path, "file").treatment is Treatment.WITHHOLD


@pytest.mark.parametrize("path", _CONTENT.split())
def test_what_only_sounds_like_a_secret_is_kept(path: str) -> None:
    assert Classifier().place(path, "file").treatment in (Treatment.EXTRACT, Treatment.ARCHIVE)


_WORDS = (
    "node_modules",
    ".git",
    "plugins",
    "cache",
    "local",
    "sessions",
    "channels",
    "ide",
    "\n",
    "\udcff",
    "ſ",
    "K",
    "x",
)
_NAMES = st.lists(
    st.sampled_from([*_WORDS, *_SECRETS.split(), *_CONTENT.split(), *"./-_~@v1", "token", ".md"]), max_size=5
)
_PATHS = st.lists(_NAMES.map("".join), max_size=5).map("/".join)


@pytest.mark.parametrize("rule", WITHHELD[:-3], ids=lambda rule: rule.name)
@given(st.data())
def test_no_path_that_a_rule_matches_is_cleared_without_trying_it(rule: Rule, data: st.DataObject) -> None:
    path = data.draw(
        st.from_regex(re.compile(rule.shown, rule.pattern.flags), alphabet=st.characters(max_codepoint=0x7F))
    )
    assert may_be_withheld(path), path


@pytest.mark.parametrize("path", ["CREDENTIALS", "a/\u017fettings.json", "server.\u212aey", "Channels/x"])
def test_a_mark_of_what_may_be_withheld_is_seen_in_any_case(path: str) -> None:
    assert may_be_withheld(path)


def test_most_paths_are_cleared_without_trying_the_rules() -> None:
    paths = ("debug/a.txt", "projects/-p/x.jsonl", "file-history/s/0123456789abcdef@v1")
    assert not any(may_be_withheld(path) for path in paths)


@given(st.from_regex(r"(projects|debug|todos)/([0-9a-f-]|agent){1,40}(\.jsonl?|\.txt|@v[0-9]{1,4})?", fullmatch=True))
def test_no_rule_matches_a_path_made_of_ids(path: str) -> None:
    assert first_match(WITHHELD, path) is None
    assert not may_be_withheld(path)


def _by_the_whole_path(rule: Rule, path: str) -> bool:
    return re.search(rule.shown, path, rule.pattern.flags) is not None


@given(_PATHS)
@example("token\n")
@example("a/token/\n")
def test_a_rule_over_names_says_what_its_pattern_says_of_the_whole_path(path: str) -> None:
    seen = (path, folded(path))
    names = next((rule.name for one in seen for rule in WITHHELD if _by_the_whole_path(rule, one)), None)
    place = Classifier(archive_trees=True).place(path, "file")
    assert (place.rule if place.treatment is Treatment.WITHHOLD else None) == names


@example([("plugins/cache/x", "file"), ("plugins/x", "file"), ("plugins/cache", "directory"), ("plugins", "directory")])
@given(st.lists(st.tuples(_PATHS, st.sampled_from(["file", "directory", "link"])), max_size=12))
def test_the_place_of_an_entry_does_not_depend_on_entries_placed_before_it(entries: list[tuple[str, str]]) -> None:
    classifier = Classifier()
    for path, entry_type in entries:
        place = classifier.place(path, entry_type)
        assert place == Classifier().place(path, entry_type)
        is_listed = place.treatment is Treatment.INVENTORY and place.rule not in (entry_type, *IN_THE_WAY)
        assert is_listed == _is_listed(path, entry_type)


def _is_listed(path: str, entry_type: str) -> bool:
    is_secret = entry_type != "directory" and any(
        _by_the_whole_path(rule, one) for rule in WITHHELD for one in (path, folded(path))
    )
    whole = path + "/" if entry_type == "directory" else path
    return not is_secret and any(_by_the_whole_path(rule, whole) for rule in INVENTORY_ONLY)
