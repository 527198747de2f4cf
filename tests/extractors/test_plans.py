"""Plans: their text is one message, their name tells slug and subagent, their title is the first heading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.plans import title_of
from extractors.reading.contract import Malformed
from models.reject import RejectCode
from tests.documents import read, read_fixture, source_of

LINES = st.text(st.sampled_from("#`~ a\t\ufeff\u2028"), max_size=8)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_the_text_of_any_plan_is_one_message(text: str) -> None:
    found = read("plans/lamp.md", text.encode())
    plan = found.one("plans")
    assert list(found.messages().values()) == ([text] if text else [])
    assert plan["message_id"] == next(iter(found.messages()), None)
    assert plan["size"] == len(text.encode())


@given(st.lists(LINES, max_size=6).map("\n".join))
def test_a_title_is_one_line_of_the_text(text: str) -> None:
    title = title_of(text)
    assert title is None or (title in text and "\n" not in title and title.strip())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Mend the lamp\n", "Mend the lamp"),
        ("\ufeff# Mend the lamp\r\n\r\n", "Mend the lamp"),
        ("words\n\n### Mend the lamp ###\n# Later\n", "Mend the lamp"),
        ("# \n## Mend\n", "Mend"),
        ("#hashtag\n", None),
        ("    # code\n", None),
        ("```\n# comment\n```\n# Mend\n", "Mend"),
        ("````\n```\n# comment\n````\n# Mend\n", "Mend"),
        ("~~~\n```\n# comment\n", None),
        ("", None),
    ],
)
def test_the_title_is_the_first_heading_outside_code(text: str, title: str | None) -> None:
    assert title_of(text) == title


@pytest.mark.parametrize(
    ("name", "slug", "agent_id"),
    [
        ("brightly-glowing-lamp", "brightly-glowing-lamp", None),
        ("brightly-glowing-lamp-agent-a1b2c3d", "brightly-glowing-lamp", "a1b2c3d"),
        ("lamp-agent-areviewer-0123456789abcdef", "lamp", "areviewer-0123456789abcdef"),
        ("multi-agent-design", "multi-agent-design", None),
    ],
)
def test_a_name_tells_slug_and_subagent(name: str, slug: str, agent_id: str | None) -> None:
    plan = read(f"plans/{name}.md", b"# Lamp\n").one("plans")
    assert (plan["slug"], plan["agent_id"]) == (slug, agent_id)


def test_a_typical_plan_is_read() -> None:
    plan = read_fixture("typical", "plans/brightly-glowing-lamp.md").one("plans")
    assert (plan["title"], plan["line_count"]) == ("Mend the lamp", 10)


def test_a_plan_that_is_not_utf8_is_rejected() -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", "plans/loudly-broken-page.md")
    assert refused.value.code is RejectCode.NOT_UTF8


def test_other_files_belong_to_other() -> None:
    assert source_of("plans/notes.txt") == source_of("plans/old/lamp.md") == "other"
