"""The named rules for files that are never opened and files that are only listed. They decide by path alone, before any
file is opened."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import category, normalize

from models.text import raw_path


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule for paths below a home: `pattern` is searched in the path, which has `/` between its components.

    With `of_last_part` the pattern is matched against the beginning of the last component: the same as `(^|/)` before
    it, but much faster.
    """

    name: str
    pattern: re.Pattern[str]
    why: str
    of_last_part: bool = False

    @property
    def shown(self) -> str:
        """The equivalent pattern for the whole path, for the documentation."""
        return f"(^|/){self.pattern.pattern}" if self.of_last_part else self.pattern.pattern


def _rule(name: str, pattern: str, why: str) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), why)


def _name_rule(name: str, pattern: str, why: str) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), why, of_last_part=True)


_PACKED: Final = r"(\.(gz|tgz|bz2|xz|lzma|lz4|zst|br|z|zip|7z|rar|tar|cpio|b64|base64|asc|gpg|pgp|age|enc))*"
_OR_A_COPY: Final = (
    _PACKED + r"( copy[^/]*| \([0-9]+\)[^/]*|~[^/]*|[._-](bak|backup|old|orig|saved?|copy|sw[op]|tmp|[0-9])[^/]*)?$"
)
"""The endings that editors, people, file managers and programs for compression add to the names of copies."""
_MARK_OF_A_COPY: Final = re.compile(
    r"([ ._-]+(copy([ _-]?[0-9]+)?|bak|backup|old|orig|saved?)|[ ._-]?\([0-9]+\))+(?=(\.[^./]+)+$)", re.IGNORECASE
)

LOOKS_LIKE_A_SECRET: Final = "looks-like-a-secret"
SAME_FILE: Final = "same-file"

WITHHELD: Final = (
    _name_rule("credentials", r"([^/]*[._-])?credentials[^/]*(?<!\.md)$", "Login tokens of Claude Code and others."),
    _name_rule(
        "account",
        r"\.claude(-[^/]*)?\.json[^/]*$",
        "Account, MCP environments and API key answers (.claude.json and its backups).",
    ),
    _rule("session-key", r"^sessions/[^/]*\.key[^/]*$", "Key of a session's socket."),
    _rule("daemon-key", r"^daemon/[^/]*\.key[^/]*$", "Key of the daemon."),
    _rule("daemon-roster", r"^daemon/roster\.json[^/]*$", "Tokens of background workers (rvAuth, ptyAuth)."),
    _rule("ide-lock", r"^ide/[^/]*\.lock[^/]*$", "Token with which an editor is reached (authToken)."),
    _name_rule("settings", r"[^/]*settings[^/]*\.json[^/]*(?<!\.md)$", "Settings: env may hold tokens."),
    _rule("config", r"^\.?config\.json[^/]*$", "primaryApiKey."),
    _name_rule(
        "mcp-servers",
        r"(\.?mcp([._-](config|servers?))?|claude_desktop_config)\.json[^/]*$",
        "MCP servers: env and headers may hold tokens.",
    ),
    _rule("channels", r"^channels/", "Tokens of chat channels."),
    _name_rule(
        "npmrc",
        r"([._]netrc|\.(npmrc|pypirc|git-credentials))" + _OR_A_COPY,
        "Tokens of package registries and hosts.",
    ),
    _name_rule("env-file", r"(\.env([._~-][^/]*)?|\.envrc|[^/]+\.env)" + _OR_A_COPY, "Environment files."),
    _name_rule(
        "key-file",
        r"(\.[^/]*[_.-]?key(\.txt)?|[^/]*\.(pem|p12|pfx|p8|key|keystore|jks|ppk|kdbx?)|id_(rsa|dsa|ecdsa|ed25519)(_sk)?"
        r"|([^/]*[._-])?(deploy|private|ssh|signing|service)[_-]?key(\.txt)?)" + _OR_A_COPY,
        "Key files and password stores.",
    ),
    _name_rule(
        "token-file",
        r"([^/]*(api[_-]?key|auth[_-]?token|access[_-]?token|secret)s?|([^/]*[._-])?token|client_secret[^/]*\.json)"
        r"(\.(txt|json|ya?ml))?" + _OR_A_COPY,
        "Files named as tokens.",
    ),
    _name_rule(
        "login-file",
        r"(auth|oauth|oauth[._-]?creds?|service[._-]?account[^/]*|application_default_credentials)\.json" + _OR_A_COPY,
        "Logins of programs, by name.",
    ),
    # Below skills/, tokens.json has colours and sizes of a design.
    _rule("tokens", r"^(?!skills/)(.*/)?tokens\.json" + _OR_A_COPY, "Logins of programs, by name."),
    _name_rule(
        "password-file",
        r"(\.pgpass|pgpass\.conf|\.my\.cnf|\.mylogin\.cnf|\.htpasswd|\.vault[._-]?(pass(word)?|token)|\.s3cfg|\.boto"
        r"|\.passwd-s3fs|rclone\.conf|secrets\.(toml|ini|env|yaml|yml|json)|[^/]*\.tfvars(\.json)?"
        r"|terraform\.tfstate|credentials\.(toml|ini))" + _OR_A_COPY,
        "Passwords of programs, by name.",
    ),
    _rule(
        "login-folder",
        r"(^|/)(\.docker/config\.json|\.kube/config|\.?gh/hosts\.ya?ml|\.aws/(config|credentials)|\.gnupg/.*"
        r"|\.ssh/.*|\.azure/[^/]*token[^/]*|\.config/gcloud/.*)" + _OR_A_COPY,
        "Logins of programs, by the folder in which they keep them.",
    ),
    # The patterns of the next three match no path: other code assigns these rules.
    Rule(
        LOOKS_LIKE_A_SECRET,
        re.compile(r"^(?!)"),
        "Its first bytes are those of a private key or a file of tokens: they were read, but not archived.",
    ),
    Rule(SAME_FILE, re.compile(r"^(?!)"), "Another name of a file that is withheld (a hard link): never opened."),
    # Erased content is recognised by its digest (`extractors.reading.erasure`).
    Rule("forgotten", re.compile(r"^(?!)"), "Erased on request (`extract forget`): neither opened nor named."),
)
"""Files that can contain secrets, as found in published homes (extractors/FORMATS.md). The setting `withhold` adds
rules; none can be removed."""

INVENTORY_ONLY: Final = (
    _rule("node-modules", r"(^|/)node_modules/", "Installed packages."),
    _rule("plugin-tree", r"^plugins/(cache|marketplaces|repos|data)/", "Clones and caches of plugins."),
    _rule("local-install", r"^local/", "Claude Code's own old installation."),
    _rule("git-objects", r"(^|/)\.git/", "A version control store."),
)
"""Files that are listed with size and times but not read, unless the setting `archive_trees` is true."""

KNOWN_TOP: Final = frozenset(
    [
        "agent-memory",
        "agents",
        "backups",
        "cache",
        "channels",
        "chrome",
        "commands",
        "daemon",
        "debug",
        "downloads",
        "feedback-bundles",
        "file-history",
        "history.jsonl",
        "ide",
        "image-cache",
        "jobs",
        "keybindings.json",
        "local",
        "logs",
        "output-styles",
        "paste-cache",
        "plans",
        "plugins",
        "projects",
        "rules",
        "scheduled_tasks.json",
        "scheduled_tasks.lock",
        "session-env",
        "sessions",
        "shell-snapshots",
        "skills",
        "stats-cache.json",
        "statsig",
        "tasks",
        "teams",
        "telemetry",
        "todos",
        "uploads",
        "usage-data",
        "CLAUDE.md",
        ".last-cleanup",
        ".last-update-result.json",
        ".update.lock",
        "mcp-needs-auth-cache.json",
        "remote-settings.json",
        "policy-limits.json",
        "__store.db",
        "__store.db-shm",
        "__store.db-wal",
        "statusline-command.sh",
    ]
)
"""Names that Claude Code writes at the top of a home (extractors/FORMATS.md); other names are foreign."""


_MARKS: Final = (
    *("credentials", ".claude", ".lock", "settings", "config", "mcp", "channels/", "netrc", "npmrc", "pypirc", ".env"),
    *("roster", "key", ".pem", ".p12", ".pfx", ".jks", "id_", "token", "secret"),
    *(".p8", ".ppk", ".kdb", "auth", "creds", "account", "pass", ".cnf", ".s3cfg", ".boto", "rclone", ".tf"),
    *(".docker/", ".kube/", "gh/", ".aws/", ".gnupg/", ".ssh/", ".azure/", "gcloud/"),
)
"""Strings in lower case: each ASCII path that a rule of `WITHHELD` matches contains one of them."""


_PLAIN_NAME: Final = re.compile(r"(?:[0-9a-f-]|agent)+(?:\.jsonl?|\.txt|@v[0-9]+)?")
"""Names made of the ids of sessions, agents and file versions: none contains a mark."""


def may_be_withheld(path: str) -> bool:
    """Whether a rule of `WITHHELD` may match `path` or its `folded` form. A quick test: False is certain, so the rules
    need not be tried for most paths.
    """
    directory, slash, name = path.rpartition("/")
    if _PLAIN_NAME.fullmatch(name) is not None:
        return bool(slash) and _has_mark(directory + slash)
    return _has_mark_now(path)


@lru_cache(maxsize=256)
def _has_mark(directory: str) -> bool:
    """As `_has_mark_now`, for the directory of many files: a mark with a slash ends with it."""
    return _has_mark_now(directory)


def _has_mark_now(path: str) -> bool:
    lowered = path.lower()
    for mark in _MARKS:  # `any` over a generator takes twice as long
        if mark in lowered:
            return True
    return not path.isascii() or "\\" in path


_IGNORED: Final = frozenset(("Cc", "Cf", "Cs", "Mn", "Zl", "Zp"))


def folded(path: str) -> str:
    """Return a path (printable form) as it looks to a reader: without invisible characters, with ASCII in place of
    look-alike letters of other scripts and widths, and without spaces or dots at the end of a component.
    """
    if path.isascii() and "\\" not in path and " " not in path and "./" not in f"{path}/":
        return path
    text = normalize("NFKD", raw_path(path).decode("utf-8", "replace").replace("\ufffd", ""))
    seen = "".join(character for character in text if category(character) not in _IGNORED)
    return "/".join(part.strip(" ").rstrip(".") or part for part in seen.split("/"))


def without_mark_of_copy(path: str) -> str:
    """Return a path without the mark of a copy before the ending of its name, such as ` copy 2`, ` (1)` or `-old`."""
    above, slash, name = path.rpartition("/")
    return above + slash + _MARK_OF_A_COPY.sub("", name)


def first_match(rules: Iterable[Rule], path: str) -> Rule | None:
    """Return the first rule that matches `path`, or None."""
    last_part = path.rpartition("/")[2]
    for rule in rules:
        if rule.pattern.match(last_part) if rule.of_last_part else rule.pattern.search(path):
            return rule
    return None


def user_rules(patterns: Iterable[str]) -> tuple[Rule, ...]:
    """Return rules for the glob patterns of the settings (`*` inside a component, `**` across components), which must
    match the whole path.
    """
    return tuple(Rule(f"settings:{pattern}", _glob(pattern), "Named in the settings.") for pattern in patterns)


def _glob(pattern: str) -> re.Pattern[str]:
    made = ""
    for part in re.split(r"(\*\*/?|\*|\?)", pattern):
        made += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.compile(f"^{made}$", re.DOTALL)
