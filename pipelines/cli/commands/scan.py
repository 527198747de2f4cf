"""`extract scan`: finds secrets in the archive."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from models.amounts import count, plural, size
from models.errors import ExitCode
from models.json import JsonObject
from pipelines.cli.console import Heading, say, say_columns, say_json, say_wrapped
from pipelines.cli.looking import HomeId, Project, Since, Until
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.shown import project_name, when
from pipelines.look.filters import Filters
from pipelines.look.scan import Place, Scanned
from pipelines.look.scan import scan as look
from pipelines.redact.rules import PrivacyLevel

_SHOWN: Final = 30
_ID: Final = 8
_PLACES: Final = (
    (Heading("kind", "exact"), 0),
    (Heading("when", "exact"), 2),
    (Heading("session", "exact"), 0),
    (Heading("project"), 2),
    (Heading("address", least=28), 1),
)


def scan(
    project: Project = None,
    since: Since = None,
    until: Until = None,
    home: HomeId = None,
    personal: Annotated[
        bool,
        typer.Option("--personal", help="Also personal data: e-mail addresses, phones, cards, accounts, addresses."),
    ] = False,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 1 if anything is found.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Find secrets in the archive.

    Searches the texts of messages, tool inputs, file versions, debug logs and session environments. Prints kind, place
    and number of the secrets, never a value: `extract show ADDRESS` prints that. Revoke a secret where it was issued,
    and erase it with `extract forget`.
    """
    level = PrivacyLevel.PUBLIC if personal else PrivacyLevel.PRIVATE
    found = look(layout_of(data), Filters(project, since, until, home=home), level)
    if as_json:
        say_json(
            {"bytes_scanned": found.bytes_scanned, "values": {**found.values}, "places": [*map(_json, found.places)]}
        )
    else:
        _show(found)
    if fail and found.places:
        raise typer.Exit(ExitCode.UNEXPECTED)


def _show(found: Scanned) -> None:
    if not found.places:
        say(f"Nothing found in {size(found.bytes_scanned)} of text.")
        return
    kinds = [Heading("kind", "exact"), *(Heading(name, "number") for name in ("values", "times", "texts", "sessions"))]
    rows = []
    for kind, values in found.values.items():
        places = [place for place in found.places if place.kind == kind]
        sessions = {place.session_id for place in places if place.session_id}
        rows.append([kind, *map(count, (values, sum(one.times for one in places), len(places), len(sessions)))])
    say_columns([(heading, 0) for heading in kinds], rows)
    say()
    places = sorted(found.places, key=lambda one: (one.kind, when(one.found_at)), reverse=True)[:_SHOWN]
    cells = [
        [one.kind, when(one.found_at), (one.session_id or "-")[:_ID], project_name(one.project or ""), one.address]
        for one in places
    ]
    say_columns(_PLACES, cells)
    more = len(found.places) - _SHOWN
    others = f"and {plural(more, 'place')} more; " if more > 0 else ""
    say_wrapped(f"{others}--json lists all, with full addresses for `extract show`")
    say(f"{plural(len(found.places), 'place')} in {size(found.bytes_scanned)} of text")


def _json(place: Place) -> JsonObject:
    found_at = place.found_at.isoformat() if place.found_at else None
    return {**{name: value for name, value in asdict(place).items() if name != "found_at"}, "found_at": found_at}
