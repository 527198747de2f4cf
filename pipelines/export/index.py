"""A directory with a document for each session and an index of them by date; unchanged documents are not written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from models.amounts import dollars, plural
from pipelines.export.contents import Contents
from pipelines.export.markdown import at, inline

INDEX: Final = "INDEX.md"
_HEAD: Final = "# Sessions\n\nWritten by `extract export --index`, which keeps it up to date; the newest first.\n"


@dataclass(slots=True)
class Written:
    """The result of an export into a directory: documents, files written, and documents of other sessions."""

    documents: int = 0
    changed: int = 0
    foreign: list[str] = field(default_factory=list)


def write_documents(
    contents: Iterable[Contents], directory: Path, form: str, render: Callable[[Contents], str], *, has_index: bool
) -> Written:
    """Write the document of each session into a directory, which is made if it is not there, and with `has_index` the
    index of them. `form` is the ending of the names. Raises OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made, lines = Written(), list[tuple[str, str]]()
    names = {INDEX}
    for one in contents:
        name = name_of(one, form)
        names.add(name)
        made.documents += 1
        made.changed += _write(directory / name, render(one))
        lines.append((at(one.row["started_at"] or one.row["ended_at"], "%Y-%m"), _line(one, name)))
    if has_index:
        made.changed += _write(directory / INDEX, _index(lines))
        made.foreign = sorted(path.name for path in directory.glob(f"*.{form}") if path.name not in names)
    return made


def name_of(contents: Contents, form: str) -> str:
    """Return the name of a session's document: its day and the beginning of its id, which may be any text."""
    session_id, day = str(contents.row["session_id"]), at(contents.row["started_at"], "%Y-%m-%d-").removeprefix("-")
    plain = "".join(one for one in session_id if one.isascii() and one.isalnum())[:8]
    return f"{day}{plain}-{sha256(session_id.encode('utf-8', 'replace')).hexdigest()[:6]}.{form}"


def _index(lines: Iterable[tuple[str, str]]) -> str:
    made, month = [_HEAD], ""
    for of_month, line in sorted(lines, reverse=True):
        if of_month != month:
            month = of_month
            made.append(f"\n## {month if month != '-' else 'Without a date'}\n\n")
        made.append(f"{line}\n")
    return "".join(made)


def _line(one: Contents, name: str) -> str:
    title = inline(one.title)[:120].replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace("|", "\\|")
    parts = [inline(str(one.row["project"]))] if one.row["project"] else []
    parts.append(plural(int(str(one.row["prompt_count"] or 0)), "prompt"))
    parts += [dollars(one.cost)] if one.cost is not None else []
    day = at(one.row["started_at"] or one.row["ended_at"], "%Y-%m-%d %H:%M")
    return f"- {day} [{title}]({name}) {', '.join(parts)}"


def _write(path: Path, text: str) -> bool:
    """Write a file unless it is there as it is; returns whether it was written."""
    data = text.encode("utf-8", "backslashreplace")
    if path.is_file() and path.read_bytes() == data:
        return False
    path.write_bytes(data)
    return True
