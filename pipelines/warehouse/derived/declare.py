"""How a core table and a view are declared: the columns with their sentences, and the query that fills them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from models.schema import Table


@dataclass(frozen=True)
class Renewal:
    """How a table is brought up to date where it stands: by which key, which keys may have other rows now, and of what
    the query has to see for their rows to be what it would make of everything.

    `touched` is a query for keys, asked when new rows are there and those that no longer count are there still. It and
    the queries for `inputs`, by the table that each stands for, may use the tables `new_runs` (run_id), `changed` (the
    readings whose rows came or went: run_id, file_id, and from which offset) and, the inputs alone, `touched`. An input
    is not materialized where it has long texts, or these would be, too.
    A key too many costs time; one too few is a stale row.
    """

    key: str
    touched: str
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class CoreTable:
    """A table and the query that fills it; the query's columns bear the names of the table's. Without a `renewal` it is
    made again whenever something came. `rests_on` names the core tables that it reads.
    """

    table: Table
    query: str
    renewal: Renewal | None = None
    rests_on: Collection[str] = ()

    @property
    def insert(self) -> str:
        """The statement that fills the table."""
        names = ", ".join(f'"{column.name}"' for column in self.table.all_columns)
        return f'INSERT INTO "{self.table.name}" SELECT {names} FROM ({self.query})'


@dataclass(frozen=True)
class View:
    """A view: its name, one sentence, and its query."""

    name: str
    comment: str
    query: str
