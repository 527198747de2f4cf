"""The errors of the steps of a flow: Prefect stores the text of an error, which may quote a transcript, so it gets only
the type.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from models.errors import ConfigurationError, DataDirectoryError, ExitCode, ExtractError, LockedError
from models.text import safe

_SAFE_TO_QUOTE: Final = (ConfigurationError, DataDirectoryError, LockedError)


class StepFailed(Exception):
    """A step failed. The text of the error was written to standard error; Prefect gets only this exception."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, exit_code)
        self.exit_code = ExitCode(exit_code)

    def __str__(self) -> str:
        return f"{self.args[0]} (exit code {self.exit_code})"


@contextmanager
def errors_reported() -> Iterator[None]:
    """Write an error of the block to standard error, and raise StepFailed with only its type for Prefect."""
    try:
        yield
    except StepFailed:
        raise
    except ExtractError as error:
        sys.stderr.write(safe(f"extract: {error}") + "\n")
        kind = type(error).__name__
        message = f"{kind}: {error}" if isinstance(error, _SAFE_TO_QUOTE) else kind
        raise StepFailed(message, error.exit_code) from None
    except Exception as error:  # noqa: BLE001 (the text of any error may quote a transcript, so none reaches Prefect)
        sys.stderr.write(safe(traceback.format_exc(), keep_newlines=True))
        raise StepFailed(type(error).__name__, ExitCode.UNEXPECTED) from None
