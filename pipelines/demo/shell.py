"""shell-snapshots/ and session-env/: the aliases, functions and variables that a session's shell starts with."""

import binascii

from pipelines.demo import words
from pipelines.demo.home import DemoHome
from pipelines.demo.rng import Rng
from pipelines.demo.text import fill
from pipelines.demo.times import DAY_MS

_HEAD = "# Snapshot file\n# Unset all aliases to avoid conflicts with functions\nunalias -a 2>/dev/null || true\n"
_SEARCH = "# Check for rg availability\nif ! command -v rg >/dev/null 2>&1; then\n  alias rg='/usr/lib/claude/rg'\nfi\n"
_PATH = "export PATH=/home/mira/.local/bin:/usr/local/bin:/usr/bin:/bin"


def _function(rng: Rng) -> tuple[str, str]:
    name = fill(rng, "{verb}_{noun}")
    body = fill(
        rng, '    local {noun}="$1";\n    if [ -z "${noun}" ]; then\n        {verb} --{adjective} "{short}";\n    fi'
    )
    return name, f"{name} () \n{{ \n{body}\n}}"


def bash(rng: Rng, functions: int) -> str:
    """Return a snapshot of bash: each function is in Base64."""
    parts = [_HEAD, "# Functions\n"]
    for _ in range(functions):
        coded = binascii.b2a_base64(_function(rng)[1].encode(), newline=False).decode()
        parts.append(f"eval \"$(echo '{coded}' | base64 -d)\" > /dev/null 2>&1\n")
    parts.append(
        "# Shell Options\nshopt -u autocd\nshopt -s checkwinsize\nset -o braceexpand\nshopt -s expand_aliases\n"
    )
    parts.append(_aliases(rng))
    return "".join([*parts, _SEARCH, _PATH, "\n"])


def zsh(rng: Rng, functions: int) -> str:
    """Return a snapshot of zsh: the functions are plain text."""
    definitions = "\n".join(_function(rng)[1].replace("    ", "\t") for _ in range(functions))
    options = "# Shell Options\nsetopt nohashdirs\nsetopt login\n"
    return f"{_HEAD}# Functions\n{definitions}\n{options}{_aliases(rng)}{_SEARCH}{_PATH}\n"


def _aliases(rng: Rng) -> str:
    names = rng.some(words.VERBS, 4)
    return "# Aliases\n" + "".join(
        f"alias -- {name[:3]}='git {name} --{rng.pick(words.ADJECTIVES)}'\n" for name in names
    )


def write_snapshot(home: DemoHome, rng: Rng, ms: int) -> None:
    """Write the snapshot of one session that crashed: a clean end deletes it."""
    functions = int(rng.by_quantiles(0, 4, 12, 30, 90) * home.text.scale)
    kind = rng.pick(("bash", "zsh"))
    text = (bash if kind == "bash" else zsh)(rng, functions)
    home.tree.text(f"shell-snapshots/snapshot-{kind}-{ms}-{rng.hexa(6)}.sh", text, ms)


def write_first_snapshots(home: DemoHome, rng: Rng) -> None:
    """Write one snapshot of each kind, with the oldest kind of name and a Windows one among them."""
    ms = home.now - 300 * DAY_MS
    home.tree.text(f"shell-snapshots/snapshot-zsh-{rng.hexa(8)}.sh", zsh(rng, 3), ms - DAY_MS)
    home.tree.text(f"shell-snapshots/snapshot-zsh-{ms}-{rng.hexa(6)}.sh", zsh(rng, 6), ms)
    home.tree.text(f"shell-snapshots/snapshot-bash-{ms + 5000}-{rng.hexa(6)}.sh", bash(rng, 6), ms + 5000)
    windows = (
        f"{_HEAD}shopt -s expand_aliases\n{_SEARCH.replace('/usr/lib/claude/rg', 'C:/Users/Mira/claude.exe --ripgrep')}"
    )
    home.tree.text(
        f"shell-snapshots/snapshot-bash-{ms + 9000}-{rng.hexa(6)}.sh", windows + "export PATH=$PATH\n", ms + 9000
    )


def write_environments(home: DemoHome, rng: Rng) -> None:
    """Make the directories of session-env/: all empty but one, which has the variables exported by a hook."""
    ms = home.now - 3 * DAY_MS
    for fact in home.facts[-4:]:
        home.tree.folder(f"session-env/{fact.session}", fact.started)
    hook = "export DEMO_MODE=1\nexport DEMO_TOKEN=not-a-secret-demo-value\n"
    home.tree.text(f"session-env/{rng.uuid()}/sessionstart-hook-1.sh", hook, ms + 600_000)
