"""A home of one session and helpers, for the tests of the drill."""

from pathlib import Path

import orjson

from models.finding import Finding
from pipelines.disk.layout import Layout
from pipelines.drill.drill import DrillRequest, drill
from pipelines.drill.result import DrillResult
from tests.support import extract

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
CWD = "/home/mira/über-projekt"
DIRECTORY = "-home-mira--ber-projekt"


def record(uuid: str, parent: str | None, **more: object) -> bytes:
    made = {"type": "user", "uuid": uuid, "parentUuid": parent, "isSidechain": False, "cwd": CWD, "sessionId": SESSION}
    return orjson.dumps({**made, **more}) + b"\n"


WHOLE = record("a", None) + record("b", "a", type="assistant") + record("c", "b")


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def drilled(tmp_path: Path, *homes: Path, as_of: str | None = None) -> DrillResult:
    """Extract homes and drill."""
    extract(tmp_path / "data", *homes)
    return drill(Layout(tmp_path / "data"), DrillRequest(as_of=as_of))


def path_of(finding: Finding) -> str:
    """Return the path below its home, or below the data directory, that a finding is about."""
    return finding.address.partition(":")[2] or finding.address
