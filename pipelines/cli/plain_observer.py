"""The observer of a command that draws no progress."""

from collections.abc import Sequence

from models.observer import Observer
from pipelines.cli.console import say, say_wrapped


class PlainObserver(Observer):
    """Draws nothing, but prints the messages that a person must see before a run reads anything."""

    def settings_changed(self, sentences: Sequence[str]) -> None:
        """Print the changes on standard error."""
        say("The settings changed since the last run:", stderr=True)
        for sentence in sentences:
            say_wrapped(f"- {sentence}", stderr=True)
