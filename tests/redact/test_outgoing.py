"""Every way in which texts leave the archive, searched for a value of every kind of secret that the archive has."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.redact.rules import RULES, PrivacyLevel
from tests.command_line import call
from tests.planted import EVERY, TOKEN_IN_A_NAME, value_of

KINDS = len(RULES)
PERSON = "janedoe"
"""The name of the user in the path of the home; also the sample of its kind."""
OUTGOING = {
    "export, Markdown": (("export", "--project", "mill"), KINDS),
    "export, HTML": (("export", "--project", "mill", "--format", "html"), KINDS),
    "export, JSON": (("export", EVERY, "--format", "json"), KINDS),
    "session": (("session", EVERY, "--full"), KINDS),
    "session, JSON": (("session", EVERY, "--json"), KINDS),
    "sessions": (("sessions", "--limit", "0", "--json"), KINDS),
    "sessions, CSV": (("sessions", "--limit", "0", "--csv"), KINDS),
    "search": (("search", '"and that is all"', "--limit", "0"), KINDS - 10),
    "search, JSON": (("search", '"and that is all"', "--limit", "0", "--json"), KINDS - 2),
    "sql, CSV": (("sql", "SELECT text FROM messages", "--csv", "--limit", "0"), KINDS),
    "sql, JSON": (("sql", "SELECT input, {'a': [input]} AS nested FROM tool_calls", "--json", "--limit", "0"), KINDS),
    "report, Markdown": (("report",), 1),
    "report, HTML": (("report", "--format", "html"), 1),
    "report, JSON": (("report", "--format", "json"), 1),
    "dashboard": (("dashboard", "page.html"), KINDS),
}
"""Each way, and how many kinds it shows at least where nothing is masked: a snippet or a narrow line may cut some."""


def strings(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def readings(text: str) -> Iterator[str]:
    """Yield a text as a reader may read it: as it is, without references of HTML, the strings of its JSON, and each
    without the line breaks that a terminal makes.
    """
    made = [text, html.unescape(text)]
    for block in (text, *re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)):
        try:
            made.append("\n".join(strings(json.loads(block))))
        except ValueError:
            continue
    yield from made
    yield from ("".join(one.split()) for one in made)


def kinds_in(text: str) -> set[str]:
    """Return the kinds of which a text has the value that was planted."""
    read = [*readings(text)]
    values = {rule.name: value_of(rule) for rule in RULES}
    return {
        kind for kind, value in values.items() if any(value in one or "".join(value.split()) in one for one in read)
    }


@pytest.mark.parametrize("way", OUTGOING)
def test_no_value_of_any_kind_goes_out(
    way: str, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, least = OUTGOING[way]
    monkeypatch.chdir(tmp_path)
    texts = []
    for level in ("none" if words[0] == "export" else None, "public"):
        ran = call(*words, *(("--redact", level) if level else ()), "--data", planted)
        assert ran.code == 0, ran.err
        texts.append(ran.out if words[0] != "dashboard" else Path("page.html").read_text(encoding="utf-8"))
    plain, masked = texts
    assert len(kinds_in(plain)) >= least, {rule.name for rule in RULES} - kinds_in(plain)
    assert kinds_in(masked) == set()
    assert TOKEN_IN_A_NAME not in masked
    assert len(masked) >= 0.9 * len(plain)


def test_a_scan_finds_every_kind(planted: Path) -> None:
    found = json.loads(call("scan", "--personal", "--json", "--data", planted).out)
    assert found["values"].keys() == {rule.name for rule in RULES}
    private = json.loads(call("scan", "--json", "--data", planted).out)
    assert private["values"].keys() == {rule.name for rule in RULES if rule.level is PrivacyLevel.PRIVATE}


def test_a_masked_report_is_printed_alone(planted: Path) -> None:
    for option in ("--path", "--open"):
        assert call("report", "--redact", "team", option, "--data", planted).code == 2
    made = call("report", "--format", "html", "--redact", "public", "--data", planted).out
    assert PERSON not in made
    assert "sha256 of the above" not in made
