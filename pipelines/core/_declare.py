"""How a core table and a view are declared: the columns with their sentences, and the query that fills them."""

from dataclasses import dataclass

from models.schema import Table


@dataclass(frozen=True)
class CoreTable:
    """A table and the query that fills it; the query's columns bear the names of the table's."""

    table: Table
    query: str

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
