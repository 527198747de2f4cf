"""A push sends nothing that a rule withholds; to a team it sends only what a rule allows, with secrets masked."""

from pathlib import Path

import pytest

from models.errors import ConfigurationError
from pipelines.archive.audit import note_access, read_audit
from pipelines.disk.layout import Layout
from pipelines.privacy.levels import session_levels
from pipelines.privacy.rules import PrivacyRule, read_rules, set_rule, unset_rule
from tests.conversations import Talk, write_lines
from tests.lake.machines import (
    KINDS,
    PROJECTS,
    TOKEN,
    Made,
    directory_of,
    everything_in,
    mark,
    session_of,
    write_project,
)

BESIDE = "a prompt of another session of the open project"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A machine whose secret project is ephemeral and whose team project is a team's."""
    place = tmp_path_factory.mktemp("privacy")
    one = Made("cleo", place / "home", Layout(place / "data"))
    for project in PROJECTS:
        write_project(one, project)
    talk = Talk(session_of(one, "beside"), directory_of(one, "open"))
    talk.prompt(BESIDE)
    encoded = directory_of(one, "open").replace("/", "-")
    write_lines(one.home / "projects" / encoded / f"{talk.session}.jsonl", talk.records)
    one.run()
    set_rule(one.layout, PrivacyRule("ephemeral", project=directory_of(one, "secret")))
    set_rule(one.layout, PrivacyRule("team", project=directory_of(one, "team")))
    return one


def found_in(made: Made, place: Path) -> set[tuple[str, str]]:
    """Return the marks that are in any byte below a place, by project and kind."""
    everything = everything_in(place)
    return {(one, kind) for one in PROJECTS for kind in KINDS if mark(made, one, kind).encode() in everything}


def test_each_session_has_the_level_of_the_most_private_rule(made: Made) -> None:
    levels = session_levels(made.layout).sessions
    assert {project: levels["claude", session_of(made, project)].level for project in PROJECTS} == {
        "open": "private",
        "secret": "ephemeral",
        "team": "team",
    }
    reasons = levels["claude", session_of(made, "secret")].reasons
    assert reasons[0].startswith("ephemeral: project /w/cleo/secret-project")


def test_a_private_lake_gets_everything_but_what_is_ephemeral(made: Made, tmp_path: Path) -> None:
    join_alone(made, str(tmp_path / "lake"))
    assert made.push().withheld_sessions == 1
    found = found_in(made, tmp_path / "lake")
    assert {project for project, _ in found} == {"open", "team"}
    assert {kind for project, kind in found if project == "open"} == set(KINDS)
    assert session_of(made, "secret").encode() not in everything_in(tmp_path / "lake")
    assert directory_of(made, "secret").encode() not in everything_in(tmp_path / "lake")
    assert TOKEN.encode() in everything_in(tmp_path / "lake")
    other = Made("dora", tmp_path / "none", Layout(tmp_path / "dora"))
    other.join(str(tmp_path / "lake"))
    assert other.pull().findings == []
    assert other.ask("SELECT count(*) FROM sessions WHERE record_count > 0") == [(3,)]


def test_a_team_gets_what_a_rule_gives_it_alone_and_no_secret(made: Made, tmp_path: Path) -> None:
    join_alone(made, str(tmp_path / "lake"), "team")
    made.push()
    found = found_in(made, tmp_path / "lake")
    assert {project for project, _ in found} == {"team"}
    assert {"prompt", "answer", "history", "paste", "todo", "log", "plan", "memory"} <= {kind for _, kind in found}
    everything = everything_in(tmp_path / "lake")
    assert TOKEN.encode() not in everything
    assert b"/store/" not in everything
    other = Made("dora", tmp_path / "none", Layout(tmp_path / "dora"))
    other.join(str(tmp_path / "lake"))
    assert other.pull().findings == []
    assert other.ask("SELECT count(*) FROM sessions WHERE record_count > 0") == [(1,)]
    assert other.ask("SELECT count(*) FROM messages WHERE text LIKE 'MARK-cleo-team-prompt%'") == [(1,)]


def test_a_rule_that_comes_later_withdraws_what_was_pushed(made: Made, tmp_path: Path) -> None:
    join_alone(made, str(tmp_path / "lake"))
    made.push()
    assert ("open", "prompt") in found_in(made, tmp_path / "lake")
    rule = PrivacyRule("ephemeral", session=session_of(made, "open")[:8])
    set_rule(made.layout, rule)
    made.push()
    assert {project for project, _ in found_in(made, tmp_path / "lake")} == {"team"}
    assert BESIDE.encode() in everything_in(tmp_path / "lake")
    assert unset_rule(made.layout, rule)


def join_alone(made: Made, place: str, level: str | None = None) -> None:
    """Join a lake, and leave the one before."""
    for path in made.layout.lakes.glob("*.json"):
        path.unlink()
    made.join(place, level)


def test_a_rule_must_have_a_level_and_a_target(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(ConfigurationError, match="no privacy level"):
        set_rule(layout, PrivacyRule("secret", project="/p"))
    with pytest.raises(ConfigurationError, match="names one or more"):
        set_rule(layout, PrivacyRule("team"))
    (tmp_path / "settings.toml").write_text('[[privacy]]\nlevel = "team"\ntag = "shared"\n')
    assert read_rules(layout) == [PrivacyRule("team", tag="shared")]
    (tmp_path / "settings.toml").write_text('[[privacy]]\nlevel = "open"\ntag = "shared"\n')
    with pytest.raises(ConfigurationError, match="privacy must be tables"):
        read_rules(layout)


def test_the_audit_log_notices_every_change(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for number in range(4):
        note_access(layout, "export", f"file {number}", who="mira", why="a reason", counts={"sessions": number})
    entries, problems = read_audit(layout)
    assert [(one.number, one.who, one.where) for one in entries] == [(n + 1, "mira", f"file {n}") for n in range(4)]
    assert problems == []
    whole = layout.audit_file.read_bytes()
    lines = whole.splitlines(keepends=True)
    changes = {
        "changed": whole.replace(b"file 1", b"file 9"),
        "changed last": whole.replace(b"file 3", b"file 9"),
        "taken out": b"".join([*lines[:1], *lines[2:]]),
        "cut off": b"".join(lines[:-1]),
        "swapped": b"".join([lines[1], lines[0], *lines[2:]]),
        "no JSON": whole.replace(b'{"number":2', b'{number":2'),
        "gone": b"",
    }
    for name, data in changes.items():
        layout.audit_file.write_bytes(data)
        assert read_audit(layout)[1], name
