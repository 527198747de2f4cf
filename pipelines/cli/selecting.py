"""Options that select files of the archive, shared by `files`, `restore` and `drill`."""

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
    typer.Option("--session", metavar="ID", help="Only files of this session, by its id or the beginning of it."),
]
Undone = Annotated[bool, typer.Option("--undone", help="Allow --as-of RUN to be a run that a rollback has undone.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="RUN|DATE", help="As of this run, or the last one by this date (UTC). Default: the last run."
    ),
]
