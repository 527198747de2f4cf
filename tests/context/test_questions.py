"""The questions of agents and programs: limits, masks, and answers that follow the published warehouse."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from models.errors import ConfigurationError, DataDirectoryError
from pipelines.context.documents import document
from pipelines.context.keys import secret_path, server_key
from pipelines.context.questions import Page, Questions
from pipelines.context.sql import BoundedSql, SqlLimits
from pipelines.context.values import cut, plain
from pipelines.disk.layout import Layout
from pipelines.look.filters import Filters
from pipelines.look.search import SearchQuery
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.current import CurrentWarehouse
from tests.answers import rows_in
from tests.command_line import SESSION, call, make_home, prompt
from tests.look.story import TIDY

SECRET = "sk-ant-api03-" + "Zq8" * 30 + "AA"
MAIL = "mira@example.org"


@pytest.fixture(scope="module")
def secretive(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """An archive with a secret and an address in a prompt."""
    base = tmp_path_factory.mktemp("secretive")
    home = make_home(base / "home")
    (home / "history.jsonl").write_bytes(prompt(f"the key is {SECRET} of {MAIL}, findable"))
    assert call("run", "--home", f"mine={home}", "--data", base / "data").code == 0
    return Layout(base / "data")


def _every_answer(questions: Questions) -> str:
    answers = [
        questions.sessions(Filters()),
        questions.session("last"),
        questions.conversation(SESSION),
        questions.search(SearchQuery("findable", Filters())),
        questions.listed("user_prompts", Page(), {"session_id": SESSION}, "prompted_at"),
        questions.show("mine:history.jsonl"),
        *({"text": document(questions, SESSION, form)} for form in ("md", "html", "json")),
        BoundedSql(questions.published.layout).ask("SELECT prompt_text FROM user_prompts", 10, questions.masker),
    ]
    assert all("findable" in json.dumps(answer) for answer in answers)
    return json.dumps(answers)


def test_every_answer_is_masked_to_the_level(secretive: Layout) -> None:
    published = CurrentWarehouse(secretive)
    exact = _every_answer(Questions(published, None))
    assert SECRET in exact
    private = _every_answer(Questions(published, PrivacyLevel.PRIVATE))
    assert SECRET[20:] not in private
    assert MAIL in private
    public = _every_answer(Questions(published, PrivacyLevel.PUBLIC))
    assert SECRET[20:] not in public
    assert MAIL not in public


def test_a_value_has_one_mask_in_one_archive_and_another_in_the_next(secretive: Layout, story_data: Path) -> None:
    def mask(layout: Layout) -> str:
        masker = Questions(CurrentWarehouse(layout)).masker
        assert masker is not None
        return masker.mask(f"password={SECRET}")

    assert mask(secretive) == mask(secretive) != mask(Layout(story_data))


def test_answers_follow_the_warehouse_that_the_newest_run_published(secretive: Layout, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    data = tmp_path / "data"
    copytree(secretive.root, data, symlinks=True)
    published = CurrentWarehouse(Layout(data))
    before = published.version
    assert Questions(published).search(SearchQuery("afterwards", Filters())) == {"hits": []}
    (home / "history.jsonl").write_bytes(
        (secretive.root.parent / "home/history.jsonl").read_bytes() + prompt("afterwards", 9)
    )
    assert call("run", "--home", f"mine={home}", "--data", data).code == 0
    assert published.version != before
    shown = rows_in(Questions(published).listed("user_prompts", Page(), {}, "prompted_at"), "user_prompts")
    assert shown[-1]["prompt_text"] == "afterwards"


def test_a_query_is_stopped_when_its_time_is_over_and_the_next_one_is_answered(story_data: Path) -> None:
    sql = BoundedSql(Layout(story_data), SqlLimits(seconds=0.3))
    with pytest.raises(ConfigurationError, match=r"no result within 0\.3 s"):
        sql.ask("SELECT count(*) FROM range(1000000000000)", 1, None)
    assert BoundedSql(Layout(story_data)).ask("SELECT 1 AS one", 1, None)["rows"] == [[1]]


def test_pages_that_are_none_and_views_of_nothing_are_refused(story_data: Path) -> None:
    for limit, offset in [(0, 0), (201, 0), (5, -1)]:
        with pytest.raises(ConfigurationError):
            Page(limit, offset)
    questions = Questions(CurrentWarehouse(Layout(story_data)))
    with pytest.raises(ConfigurationError, match="no session begins"):
        questions.session("nobody")
    with pytest.raises(ConfigurationError, match="several sessions"):
        questions.session("")
    with pytest.raises(ConfigurationError, match="no mode"):
        questions.search(SearchQuery("x", Filters()), "magic")


def test_an_access_is_in_the_audit_log_without_content(story_data: Path) -> None:
    accesses: list[tuple[str, str]] = []
    questions = Questions(CurrentWarehouse(Layout(story_data)), audit=lambda *access: accesses.append(access))
    questions.search(SearchQuery("release notes", Filters(project="shop")))
    questions.conversation(TIDY)
    questions.sessions(Filters(project="shop"))
    assert accesses == [("search", "text"), ("conversation", TIDY), ("sessions", "project")]


def test_the_key_of_the_servers_is_drawn_once_and_for_the_owner_alone(secretive: Layout, story_data: Path) -> None:
    key = server_key(secretive)
    assert (server_key(secretive), len(key)) == (key, 32)
    assert secretive.server_key.stat().st_mode & 0o777 == 0o600
    assert secret_path(secretive) != secret_path(Layout(story_data))
    assert "server.key" not in call("verify", "--data", secretive.root).out


def test_a_file_that_is_no_key_is_refused(secretive: Layout, tmp_path: Path) -> None:
    copytree(secretive.root, tmp_path / "data", symlinks=True)
    layout = Layout(tmp_path / "data")
    layout.server_key.write_bytes(b"short")
    with pytest.raises(DataDirectoryError, match="no key"):
        server_key(layout)
    with pytest.raises(ConfigurationError, match="extract run"):
        server_key(Layout(tmp_path / "nothing"))


def test_values_become_json_without_loss_or_with_a_word_about_it() -> None:
    assert plain(1 << 60) == str(1 << 60)
    assert plain(float("nan")) == "nan"
    assert plain(b"\x00\xff") == "00ff"
    assert cut({"a": ["x" * 12]}, 10) == {"a": ["x" * 10 + "… [2 more characters]"]}
