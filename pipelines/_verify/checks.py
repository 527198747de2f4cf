"""A check that is a query: what it claims, what it needs, and the kind of finding for each of its rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from models.errors import LoadError
from models.finding import Kind
from models.findings import records
from pipelines._verify.context import Context
from pipelines._verify.tables import Tables


@dataclass(frozen=True, slots=True)
class Check:
    """Each row of `query` is a finding of `kind`: its columns are `address` and the parameters of the kind.

    `claim` says what holds when there is none, after "that". `needs` are the tables that must have been loaded whole.
    """

    kind: Kind
    claim: str
    query: str
    needs: tuple[str, ...] = ()


def run_checks(context: Context, tables: Tables, checks: Iterable[Check]) -> None:
    """Run checks over the tables. Raises LoadError when the engine fails at a query: it lacks room, most likely."""
    for check in checks:
        if tables.incomplete.intersection(check.needs):
            context.findings.append(records.NOT_CHECKED.at("tables", claim=check.claim))
            continue
        try:
            for row in tables.rows(check.query):
                address = str(row.pop("address"))
                context.findings.append(check.kind.at(address, **row))
        except duckdb.Error as error:
            raise LoadError(f"it could not be checked that {check.claim}: {error}") from error
