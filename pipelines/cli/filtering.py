"""The filters of the commands that query sessions, as options: declared once for every command that has all of them."""

import functools
import inspect
from collections.abc import Callable
from typing import Final, get_type_hints

from pipelines.cli.looking import HomeId, Model, Project, Since, State, Tool, Touched, Until
from pipelines.look.filters import Filters

_OPTIONS: Final = {
    "project": Project,
    "since": Since,
    "until": Until,
    "touched": Touched,
    "tool": Tool,
    "model": Model,
    "state": State,
    "home": HomeId,
}
"""The option of each field of `Filters`."""

NO_FILTERS: Final = Filters()
"""The default of the parameter `filters`."""


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with an option for each filter in the place of its parameter `filters`, which gets them all."""
    signature = inspect.signature(command)
    parameters = list[inspect.Parameter]()
    for parameter in signature.parameters.values():
        if parameter.name == "filters":
            parameters += [
                inspect.Parameter(name, parameter.kind, default=None, annotation=option)
                for name, option in _OPTIONS.items()
            ]
        else:
            parameters.append(parameter)

    @functools.wraps(command)
    def with_options(**given: object) -> None:
        filters = Filters(**{name: _text(given.pop(name)) for name in _OPTIONS})
        command(filters=filters, **given)

    hints = {name: hint for name, hint in get_type_hints(command, include_extras=True).items() if name != "filters"}
    with_options.__annotations__ = hints | _OPTIONS
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options


def _text(value: object) -> str | None:
    """Return the value of an option of text."""
    return value if isinstance(value, str) else None
