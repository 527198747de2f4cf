"""Checks that are SQL queries: each row of a query's result is a finding."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from models.errors import LoadError
from models.finding import Finding, Kind
from models.findings import records
from pipelines.verify.context import Context
from pipelines.verify.tables import Tables


@dataclass(frozen=True, slots=True)
class Check:
    """A check by SQL. Each row of `query` is a finding of `kind`: its columns are `address` and the kind's parameters.

    `claim` completes the sentence "it was not checked that …". `needs` are the tables that must be loaded completely.
    With `across_runs` the query uses the table `chain` (the phases of one branch of runs) and runs once for each
    branch.
    """

    kind: Kind
    claim: str
    query: str
    needs: tuple[str, ...] = ()
    across_runs: bool = False


def run_checks(context: Context, tables: Tables, checks: Iterable[Check]) -> None:
    """Run checks and add their findings to the context. A check whose tables are incomplete becomes a finding R143.

    Raises LoadError when DuckDB fails at a query, usually because a disk is full.
    """
    wanted = []
    for check in checks:
        if tables.incomplete.intersection(check.needs):
            context.findings.append(records.NOT_CHECKED.at("tables", claim=check.claim))
        else:
            wanted.append(check)
    found: dict[Finding, None] = {}
    for number, chain in enumerate(context.chains):
        tables.choose(chain)
        for check in wanted:
            if number == 0 or check.across_runs:
                found.update(dict.fromkeys(_ask(tables, check)))
    context.findings += found


def _ask(tables: Tables, check: Check) -> Iterator[Finding]:
    try:
        for row in tables.rows(check.query):
            address = str(row.pop("address"))
            yield check.kind.at(address, **row)
    except duckdb.Error as error:
        raise LoadError(f"it could not be checked that {check.claim}: {error}") from error
