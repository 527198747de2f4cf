"""`extract publish postgres`: tables and views of the warehouse as tables of a schema of their own in a PostgreSQL
server.

Only chunks whose checksum differs are deleted there and copied again, in one transaction; at the end the rows and
checksums of all chunks are compared. So a second publication copies nothing, a killed one has changed nothing, and rows
that were changed in the server are replaced. Only the commands of `extract publish` import this module: psycopg is in
the extra `publish`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb
import psycopg
from psycopg import sql

from models.errors import ConfigurationError, DataDirectoryError, FixityError
from models.observer import Observer
from pipelines.publish.relations import Relation, relations_of
from pipelines.publish.result import Publication

_LEDGER: Final = "_publication"
_ROWS: Final = 5000
_LOCK: Final = 7305223871

Digests = Mapping[str, tuple[int, str]]
"""Rows and checksum of each chunk."""


def publish_to_postgres(
    source: duckdb.DuckDBPyConnection, url: str, observer: Observer, *, schema: str, reader: str | None, run_id: str
) -> Publication:
    """Bring a schema of a PostgreSQL server up to the warehouse `source`, and compare both. `reader` is a role that may
    read it, which is made if it is missing.

    Raises ConfigurationError if the schema has tables that this command did not make or the server refuses the user,
    DataDirectoryError if the server cannot be reached, FixityError if the comparison finds a difference; nothing is
    changed then.
    """
    place = shown_url(url)
    made = Publication(f"{place} schema {schema}")
    try:
        with psycopg.connect(url, application_name="extract publish") as server:
            _Publishing(source, server, schema, made, observer).do(run_id)
            if reader is not None:
                _grant(server, schema, reader, made)
    except psycopg.OperationalError as error:
        raise DataDirectoryError(f"{place} cannot be reached: {_first_line(error)}") from error
    except psycopg.Error as error:
        raise ConfigurationError(f"{place} refuses: {_first_line(error)}") from error
    return made


def shown_url(url: str) -> str:
    """Return a URL without its password and parameters. Raises ConfigurationError for an invalid one."""
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ConfigurationError(f"this is no URL of PostgreSQL: {_first_line(error)}") from error
    return f"postgresql://{given.get('host') or 'localhost'}/{given.get('dbname') or ''}"


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n", 1)[0]


def _sql(text: str) -> sql.SQL:
    """Return SQL that this module has made of quoted names."""
    return sql.SQL(text)


class _Publishing:
    """One publication, relation by relation, in one transaction."""

    def __init__(
        self,
        source: duckdb.DuckDBPyConnection,
        server: "psycopg.Connection[tuple[object, ...]]",
        schema: str,
        made: Publication,
        observer: Observer,
    ) -> None:
        self._source, self._server, self._made, self._observer = source, server, made, observer
        self._name = schema
        self._schema = '"' + schema.replace('"', '""') + '"'

    def do(self, run_id: str) -> None:
        """Do all of it."""
        self._prepare()
        relations = relations_of(self._source)
        self._observer.step_begins("publishing", len(relations))
        for relation in relations:
            self._publish(relation, run_id)
            self._observer.advances(1)
        self._drop_others({relation.name for relation in relations})
        self._observer.step_ends()

    def _execute(self, text: str, given: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._server.cursor() as cursor:
            # Without parameters a percent sign has no meaning.
            cursor.execute(_sql(text), given or None)
            return cursor.fetchall() if cursor.description is not None else []

    def _prepare(self) -> None:
        """Make the schema and its ledger. Raises ConfigurationError for a schema that this program did not make."""
        (encoding,) = self._execute("SHOW server_encoding")[0]
        if encoding != "UTF8":
            raise ConfigurationError(f"the database is encoded in {encoding}: texts need UTF8")
        self._execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        self._execute("SET LOCAL TimeZone = 'UTC'")
        names = self._execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [self._name])
        if names and (_LEDGER,) not in names:
            raise ConfigurationError(
                f"the schema {self._name} has tables that `extract publish` did not make: name another with --schema"
            )
        self._execute(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")
        self._execute(
            f"CREATE TABLE IF NOT EXISTS {self._schema}.{_LEDGER} (relation text PRIMARY KEY, "
            "row_count bigint NOT NULL, checksum text NOT NULL, run_id text NOT NULL, "
            "published_at timestamptz NOT NULL DEFAULT now())"
        )

    def _publish(self, relation: Relation, run_id: str) -> None:
        """Copy the chunks of a relation that differ, and compare all of it. Raises FixityError for a difference."""
        self._make_table(relation)
        here = _digests(self._source.execute(relation.digests_here).fetchall())
        there = _digests(self._execute(relation.digests_there(self._schema)))
        stale = [chunk for chunk in here.keys() | there.keys() if here.get(chunk) != there.get(chunk)]
        if stale:
            table = f"{self._schema}.{relation.quoted}"
            self._execute(f"DELETE FROM {table} WHERE {relation.chunk} = ANY(%s)".replace("'%", "'%%"), [stale])
            self._copy(relation, stale)
            self._made.chunks_copied += len(stale)
            there = _digests(self._execute(relation.digests_there(self._schema)))
            if there != here:
                raise FixityError(
                    f"{relation.name} has other rows in the server than in the warehouse after they were copied: "
                    f"nothing was published"
                )
        rows = sum(number for number, _ in here.values())
        total = str(sum(int(checksum) for _, checksum in here.values()))
        self._execute(
            f"INSERT INTO {self._schema}.{_LEDGER} (relation, row_count, checksum, run_id) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (relation) DO UPDATE SET row_count = excluded.row_count, checksum = excluded.checksum, "
            f"run_id = excluded.run_id, published_at = now() WHERE {_LEDGER}.checksum <> excluded.checksum",
            [relation.name, rows, total, run_id],
        )
        self._made.relations += 1
        self._made.rows += rows

    def _make_table(self, relation: Relation) -> None:
        """Create the table of a relation; replace one with other columns."""
        query = """
            SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """
        found = self._execute(query, [self._name, relation.name])
        wanted = [(column.name, _full_name(column.type)) for column in relation.columns]
        if found == wanted:
            return
        table = f"{self._schema}.{relation.quoted}"
        columns = ", ".join(f"{column.quoted} {column.type}" for column in relation.columns)
        self._execute(f"DROP TABLE IF EXISTS {table}")
        self._execute(f"CREATE TABLE {table} ({columns})")
        named = [(f"TABLE {table}", relation.comment)]
        named += [(f"COLUMN {table}.{column.quoted}", column.comment) for column in relation.columns]
        for what, comment in named:
            if comment:
                with self._server.cursor() as cursor:
                    cursor.execute(sql.SQL("COMMENT ON {} IS {}").format(_sql(what), sql.Literal(comment)))

    def _copy(self, relation: Relation, chunks: Sequence[str]) -> None:
        names = ", ".join(column.quoted for column in relation.columns)
        values = ", ".join(column.copied for column in relation.columns)
        query = f"SELECT {values} FROM {relation.quoted} WHERE {relation.chunk} IN (SELECT unnest(?))"
        rows = self._source.execute(query, [list(chunks)])
        with (
            self._server.cursor() as cursor,
            cursor.copy(_sql(f"COPY {self._schema}.{relation.quoted} ({names}) FROM STDIN")) as copy,
        ):
            while some := rows.fetchmany(_ROWS):
                for row in some:
                    copy.write_row(row)
                self._made.rows_copied += len(some)

    def _drop_others(self, wanted: set[str]) -> None:
        """Drop the tables of relations that the warehouse does not have any more."""
        for (name,) in self._execute(f"SELECT relation FROM {self._schema}.{_LEDGER}"):
            if name not in wanted:
                quoted = '"' + str(name).replace('"', '""') + '"'
                self._execute(f"DROP TABLE IF EXISTS {self._schema}.{quoted}")
                self._execute(f"DELETE FROM {self._schema}.{_LEDGER} WHERE relation = %s", [name])


def _full_name(kind: str) -> str:
    return {"timestamptz": "timestamp with time zone"}.get(kind, kind)


def _digests(rows: Sequence[Sequence[object]]) -> Digests:
    return {str(chunk): (int(str(number)), str(checksum)) for chunk, number, checksum in rows}


def _grant(server: "psycopg.Connection[tuple[object, ...]]", schema: str, reader: str, made: Publication) -> None:
    """Let a role read the schema, and nothing else; note it where this user may not do that."""
    names = {"role": sql.Identifier(reader), "schema": sql.Identifier(schema)}
    try:
        with server.transaction(), server.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [reader])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE ROLE {role} NOLOGIN").format(**names))
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {role}").format(**names))
            cursor.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}").format(**names))
    except psycopg.errors.InsufficientPrivilege as error:
        made.notes.append(f"the role {reader} was not given the right to read: {_first_line(error)}")
