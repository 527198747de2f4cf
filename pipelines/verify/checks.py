"""A check that is a query: what it claims, what it needs, and the kind of finding for each of its rows."""

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
    """Each row of `query` is a finding of `kind`: its columns are `address` and the parameters of the kind.

    `claim` says what holds when there is none, after "that". `needs` are the tables that must have been loaded whole.
    One that goes `across_runs` asks `chain`, the groups of runs that go on from one another, and is asked for each such
    chain.
    """

    kind: Kind
    claim: str
    query: str
    needs: tuple[str, ...] = ()
    across_runs: bool = False


def run_checks(context: Context, tables: Tables, checks: Iterable[Check]) -> None:
    """Run checks over the tables. Raises LoadError when the engine fails at a query: it lacks room, most likely."""
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
