"""Options by which files of the archive are named, shared by `files`, `restore` and `drill`."""

from typing import Annotated

import typer

ArchivedHomes = Annotated[
    list[str] | None,
    typer.Option("--home", metavar="HOME", help="Only this home of the archive, by its id or directory; repeatable."),
]
Phases = Annotated[
    list[str] | None,
    typer.Option("--phase", metavar="N|NAME", help="Only this phase, by number or source; repeatable."),
]
Session = Annotated[
    str | None,
    typer.Option("--session", metavar="ID", help="Only what belongs to this session; the beginning of its id will do."),
]
Undone = Annotated[bool, typer.Option("--undone", help="RUN of --as-of may be one that a rollback has undone.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="RUN|DATE", help="As of this run, or the last one by this date (UTC). Default: the last run."
    ),
]
