"""`extract privacy`: which sessions may leave this machine, and to whom."""

from collections import Counter
from typing import Annotated

import typer

from models.amounts import plural
from models.errors import ConfigurationError
from pipelines.archive.archive import Archive, writing
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.disk.atomic import disk_errors
from pipelines.disk.settings import PRIVACY_LEVELS
from pipelines.privacy.levels import SessionLevel, session_levels
from pipelines.privacy.rules import PrivacyRule, rank, read_rules, set_rule, unset_rule

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Project = Annotated[str | None, typer.Option("--project", metavar="DIR", help="A project's directory; a pattern.")]
OfPath = Annotated[str | None, typer.Option("--path", metavar="PATH", help="Files, by their path below a home.")]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Sessions with this tag.")]
Home = Annotated[str | None, typer.Option("--of-home", metavar="HOME", help="Everything of a home, by its id.")]
Session = Annotated[str | None, typer.Option("--session", metavar="ID", help="A session, or the beginning of its id.")]


@app.callback()
def privacy() -> None:
    """Set which sessions may leave this machine, and for whom."""


@app.command("list")
def list_levels(
    level: Annotated[str | None, typer.Option("--level", metavar="LEVEL", help="Only sessions of this level.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show the rules, and how many sessions each level has.

    With --level it lists the sessions. Levels: ephemeral never leaves the archive; private goes to your own machines
    alone; team also to colleagues, public to everybody, both with secrets and personal data masked. The most private of
    all rules that apply wins. Without a rule a session is private.
    """
    layout = layout_of(data)
    rules = read_rules(layout)
    found = session_levels(layout).sessions.values()
    if level is not None:
        rank(level)
    chosen = [one for one in found if level in (None, one.level)]
    if as_json:
        say_json({"rules": [one.to_json() for one in rules], "sessions": [one.to_json() for one in chosen]})
        return
    for rule in rules:
        say(f"{rule.shown}  ({rule.origin})")
    if not rules:
        say("There is no rule: everything is private.")
    if level is None:
        counts = Counter(one.level for one in found)
        say(", ".join(f"{counts[name]} {name}" for name in PRIVACY_LEVELS) + " sessions", is_bold=True)
        return
    say_table(
        [Heading("session"), Heading("home"), Heading("project", "sentence")],
        [[one.session_id, one.home_id, one.project or ""] for one in chosen],
    )


@app.command("set")
def set_level(
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="ephemeral, private, team or public.")],
    project: Project = None,
    path: OfPath = None,
    tag: Tag = None,
    home: Home = None,
    session: Session = None,
    data: Data = None,
) -> None:
    """Add a rule. It applies where all its conditions do; a rule with the same conditions is replaced.

    The next push withdraws from a lake whatever the new rule no longer allows there.
    """
    layout = layout_of(data)
    Archive.open(layout)
    rule = PrivacyRule(level, project, path, tag, home, session, "extract privacy set")
    with writing(layout, "privacy"), disk_errors():
        set_rule(layout, rule)
    say(rule.shown)


@app.command("unset")
def unset_level(
    project: Project = None,
    path: OfPath = None,
    tag: Tag = None,
    home: Home = None,
    session: Session = None,
    data: Data = None,
) -> None:
    """Remove the rule with these conditions."""
    layout = layout_of(data)
    rule = PrivacyRule(PRIVACY_LEVELS[0], project, path, tag, home, session)
    with writing(layout, "privacy"), disk_errors():
        is_gone = unset_rule(layout, rule)
    if not is_gone:
        raise ConfigurationError("no rule was set for that; rules in settings.toml are changed there")
    say("the rule is removed")


@app.command()
def explain(
    session: Annotated[str, typer.Argument(metavar="ID", help="A session, or the beginning of its id.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show the level of a session, and which rules decide it."""
    found = [one for one in session_levels(layout_of(data)).sessions.values() if one.session_id.startswith(session)]
    if not found:
        raise ConfigurationError(f"no session of this archive begins with {session}; `extract sessions` lists them")
    if as_json:
        say_json([one.to_json() for one in found])
        return
    for one in found:
        _show(one)


def _show(one: SessionLevel) -> None:
    say(f"{one.session_id}: {one.level}", is_bold=True)
    say(
        f"  home {one.home_id}, project {one.project or 'unknown'}" + (f", tags {', '.join(one.tags)}" * bool(one.tags))
    )
    for reason in one.reasons:
        say(f"  {reason}")
    say(f"  {plural(len(one.reasons), 'reason')}; the most private one counts")
