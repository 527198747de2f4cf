"""Pushes to several lakes, one after the other; one that cannot be reached keeps no other from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.errors import ExitCode, ExtractError
from models.json import JsonObject
from models.observer import Observer
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.lake.known import KnownLake, keep_lake, read_lakes
from pipelines.lake.push import PushResult, push


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """The end of a push to one lake: its result, or its error."""

    known: KnownLake
    result: PushResult | None = None
    error: ExtractError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that does this push alone."""
        return ExitCode(self.error.exit_code) if self.error is not None else ExitCode.VERIFIED

    def to_json(self) -> JsonObject:
        """Return the outcome as JSON values."""
        if self.result is not None:
            return self.result.to_json()
        return {"lake": self.known.to_json(), "error": str(self.error)}


def push_all(
    layout: Layout, lakes: Sequence[KnownLake], observer: Observer, *, why: str | None = None
) -> list[PushOutcome]:
    """Push to lakes and return how each push ended. Raises nothing for a lake that cannot be pushed to."""
    made = []
    for known in lakes:
        try:
            made.append(PushOutcome(known, result=push(layout, known, observer, why=why)))
        except ExtractError as error:
            with disk_errors():
                keep_lake(layout, replace(known, problem=str(error)))
            made.append(PushOutcome(known, error=error))
    return made


def push_after_run(layout: Layout, observer: Observer, *, is_asked: bool) -> list[PushOutcome]:
    """Push to every lake if `is_asked` or the settings require it, else to those whose own record requires it; return
    how each push ended. A lake that is away is no fault of a run that was not asked to push: what waits is pushed the
    next time. Raises FixityError and StoreError where it is not known which lakes are in use.
    """
    everywhere = is_asked or read_settings(layout).push
    chosen = [one for one in read_lakes(layout) if everywhere or one.is_automatic]
    return push_all(layout, chosen, observer, why="after a run")
