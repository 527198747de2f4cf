"""Shared by the tests of restores: files to write, and the result of a restore."""

from pathlib import Path

from pipelines.disk.layout import Layout
from pipelines.restore.restore import RestoreRequest, RestoreResult, restore

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
PROMPT = b'{"display":"hello","pastedContents":{},"timestamp":1768724512305,"project":"/p","sessionId":"s"}\n'


def given_back(data: Path, target: Path, **how: bool) -> RestoreResult:
    return restore(Layout(data), RestoreRequest(target, links=True, **how))  # type: ignore[arg-type]
