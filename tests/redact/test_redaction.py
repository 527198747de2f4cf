"""Secrets are found in every form of output, masked alike within a document, and never shown by a scan."""

import json
import re
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ExitCode
from pipelines.redact.masking import Masker, find, find_each
from pipelines.redact.rules import RULES, PrivacyLevel, SecretRule
from tests.command_line import call
from tests.planted import sample_of
from tests.redact.samples import SAMPLES

TOKEN = "sk-" + "ant-api03-" + "aB3dE6gH9jK2mN5pQ8sT1vW4" * 2
PASSWORD = "hunter2-Staple9"


CHECKED = {"card-number", "account-number", "ip-address"}
"""Rules whose check digits no random text has: their samples are below."""


def test_every_rule_has_a_sample() -> None:
    assert {rule.name for rule in RULES} == SAMPLES.keys() | CHECKED


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_of_every_kind_goes_out_in_no_form(name: str) -> None:
    text = "".join(SAMPLES[name])
    (rule,) = (rule for rule in RULES if rule.name == name)
    found = re.search(rule.pattern.replace(r"\z", r"\Z"), text, re.ASCII)
    assert found is not None
    value = found["value"]
    masker = Masker(PrivacyLevel.PUBLIC)
    for form in (
        f"it is {text} and that is all",
        json.dumps({"command": f"export X; run {text}", "n": [f"\n{text}\n"]}),
        json.dumps({"inner": json.dumps({"v": f" {text} "})}),
        f"@@ -1 +1 @@\n-{text}\n+ {text}\n",
        f"https://example.org/a?x=1& {text} &y=2",
    ):
        masked = masker.mask(form)
        assert value not in masked, form
        assert len(masked) == len(form)
        if form.startswith("{"):
            assert json.loads(masked).keys() == json.loads(form).keys()


@pytest.mark.parametrize(
    "sample",
    ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "DE89 3704 0044 0532 0130 00",
     "GB82WEST12345698765432", "8.8.8.8", "192.168.1.20", "2001:4860:4860::8888"],
)  # fmt: skip
def test_numbers_with_check_digits_and_addresses_are_masked_for_the_public(sample: str) -> None:
    for form in (f"it is {sample} there", json.dumps({"v": sample}), f"+ {sample}\n"):
        assert sample not in Masker(PrivacyLevel.PUBLIC).mask(form)
        assert Masker(PrivacyLevel.PRIVATE).mask(form) == form


@pytest.mark.parametrize(
    "text",
    ["4111 1111 1111 1112", "127.0.0.1", "0.0.0.0", "version 1.2.3", "10:30:00", "token = process.env.TOKEN",
     "api_key: your_key_here", 'password = "changeme"', "secret=<SECRET>", "the token count was 1234567",
     "git@github.com", "a basic understanding"],
)  # fmt: skip
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert Masker(PrivacyLevel.TEAM).mask(text) == text


def test_a_mask_has_the_form_of_its_value_and_is_the_same_in_one_document_alone() -> None:
    one, other = Masker(PrivacyLevel.PRIVATE), Masker(PrivacyLevel.PRIVATE)
    first = one.mask(f"a {TOKEN} b {TOKEN}")
    masks = re.findall(r"a (\S+) b (\S+)", first)[0]
    assert masks[0] == masks[1] != TOKEN
    assert one.mask(TOKEN) == masks[0]
    assert other.mask(TOKEN) != masks[0]
    assert [*map(str.isdigit, masks[0])] == [*map(str.isdigit, TOKEN)]


@given(st.text())
def test_any_text_is_masked_to_a_text_of_its_length(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert len(Masker(PrivacyLevel.PUBLIC).mask(text)) == len(text)


@given(st.lists(st.sampled_from([*map("".join, SAMPLES.values()), "", "token", " = ", "/home/", "plain", "@a."])))
def test_texts_that_are_tried_together_have_the_matches_of_each(texts: list[str]) -> None:
    pieces = [text.encode() for text in texts]
    together = dict(find_each(b"".join(pieces), list(accumulate(map(len, pieces))), PrivacyLevel.PUBLIC))
    alone = {number: find(piece, PrivacyLevel.PUBLIC) for number, piece in enumerate(pieces)}
    assert together == {number: found for number, found in alone.items() if found}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_mark_of_a_rule_is_in_what_it_matches(rule: SecretRule) -> None:
    assert rule.mark
    assert re.search(rule.mark, sample_of(rule), re.ASCII)


def test_levels_mask_more_and_more() -> None:
    text = f"{TOKEN} 4111 1111 1111 1111 jane.doe@example.org /home/janedoe/x"
    kinds = [{one.rule.name for one in find(text.encode(), level)} for level in PrivacyLevel]
    assert kinds == [
        {"anthropic-key"},
        {"anthropic-key", "card-number"},
        {"anthropic-key", "card-number", "e-mail", "user-in-path"},
    ]
    assert len([rule for rule in RULES if rule.level is PrivacyLevel.PRIVATE]) >= 40


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a home with a token in a prompt and a password in a tool's input."""
    base = tmp_path_factory.mktemp("leaky")
    session = "44444444-dddd-4ddd-8ddd-000000000004"
    call_ = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "Bash",
        "input": {"command": f"curl https://me:{PASSWORD}@db.example.org"},
    }
    shared = {"sessionId": session, "cwd": "/home/janedoe/app", "version": "2.1.200", "isSidechain": False}
    records = [
        {**shared, "type": "user", "uuid": "u1", "parentUuid": None, "timestamp": "2026-03-02T09:00:00.000Z",
         "message": {"role": "user", "content": f"use {TOKEN} please, padding {'word ' * 20}"}},
        {**shared, "type": "assistant", "uuid": "u2", "parentUuid": "u1", "timestamp": "2026-03-02T09:01:00.000Z",
         "message": {"id": "m1", "role": "assistant", "model": "claude-sonnet-4-5", "content": [call_],
                     "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}}},
    ]  # fmt: skip
    path = base / "home" / "projects" / "-home-janedoe-app" / f"{session}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    ran = call("run", "--home", f"mine={base / 'home'}", "--data", base / "data")
    assert ran.code == 0, ran.err
    return base / "data"


@pytest.mark.parametrize(
    "words",
    [("session", "4444"), ("session", "4444", "--full"), ("session", "4444", "--json"), ("sessions",),
     ("sessions", "--json"), ("sessions", "--csv"), ("search", "please"), ("search", "curl"),
     ("search", "please", "--json"),
     ("sql", "SELECT text FROM messages"),
     ("sql", "SELECT input, [input] AS l, {'a': input} AS s FROM tool_calls", "--json"),
     ("sql", "SELECT input FROM tool_calls", "--csv"), ("sql", "SELECT input FROM tool_calls", "--vertical")],
)  # fmt: skip
def test_nothing_that_leaves_has_a_secret(leaky: Path, words: tuple[str, ...]) -> None:
    plain = call(*words, "--data", leaky)
    assert plain.code == 0, plain.err
    for level in ("private", "team", "public"):
        ran = call(*words, "--redact", level, "--data", leaky)
        assert (ran.code, ran.err) == (0, "")
        for value in (TOKEN, PASSWORD):
            assert value not in ran.out
            assert value[:24] not in ran.out
        assert level != "public" or "janedoe" not in ran.out
    assert call(*words, "--redact", "nobody", "--data", leaky).code == ExitCode.USAGE


def test_an_exported_document_has_no_secret_unless_that_is_asked_for(leaky: Path, tmp_path: Path) -> None:
    for options in ((), ("--redact", "public")):
        made = call("export", "4444", *options, "--data", leaky).out
        assert TOKEN not in made
        assert PASSWORD not in made
        assert made == call("export", "4444", *options, "--data", leaky).out
    assert "janedoe" not in made
    assert TOKEN in call("export", "4444", "--redact", "none", "--data", leaky).out
    call("export", "--to", tmp_path, "--data", leaky)
    assert all(TOKEN not in path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


def test_a_scan_names_kind_and_place_and_never_the_value(leaky: Path) -> None:
    for options in ((), ("--json",), ("--personal",)):
        ran = call("scan", *options, "--data", leaky)
        assert (ran.code, ran.err) == (0, "")
        assert "anthropic-key" in ran.out
        assert "password-in-url" in ran.out
        assert TOKEN not in ran.out
        assert PASSWORD not in ran.out
    found = json.loads(call("scan", "--json", "--data", leaky).out)
    assert found["values"] == {"anthropic-key": 1, "password-in-url": 1}
    for place in found["places"]:
        assert (
            TOKEN.encode() in (raw := call("show", place["address"], "--data", leaky).raw) or PASSWORD.encode() in raw
        )
    assert call("scan", "--fail", "--data", leaky).code == ExitCode.UNEXPECTED
    assert call("scan", "--fail", "--project", "elsewhere", "--data", leaky).code == 0
