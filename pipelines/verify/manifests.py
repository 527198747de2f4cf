"""Checks the manifests: each row has valid values, and agrees with the readings and the other manifests."""

from typing import Final

from extractors.reading.registry import Treatment
from models.findings import manifests as codes
from models.identity import file_id
from models.manifest import NOT_PRESENT, Change, Outcome, sql_outcomes
from models.text import printable_path
from pipelines.verify.checks import Check
from pipelines.verify.context import Context
from pipelines.verify.tables import RUNS, Tables

_WORDS: Final = {
    "entry_type": ("file", "directory", "link", "special"),
    "treatment": tuple(Treatment),
    "change": tuple(Change),
    "outcome": tuple(Outcome),
    "check_made": ("sha256", "xxh3", "stat", "none"),
}
_NOT_AS_READ: Final = sql_outcomes((Outcome.UNREADABLE, Outcome.MISSING, Outcome.EXPIRED, Outcome.WITHHELD))
_WHERE: Final = "concat(p.home, ':', m.path)"


def _words() -> str:
    return " UNION ALL ".join(
        f"SELECT p.path AS address, '{column}' AS column, m.{column} AS word, count(*) AS count "
        f"FROM manifest m JOIN part p USING (part) "
        f"WHERE m.{column} NOT IN ({', '.join(repr(str(word)) for word in words)}) GROUP BY ALL"
        for column, words in _WORDS.items()
    )


_LAST_READ: Final = """
    SELECT m.*, r.epoch AS read_epoch, r.size AS read_size, r.watermark AS read_watermark
    FROM (SELECT m.*, chain.epoch, chain.run FROM manifest m JOIN chain USING (g) WHERE file_id IS NOT NULL) m
    ASOF LEFT JOIN (SELECT e.*, chain.epoch FROM every_read e JOIN chain USING (g) WHERE is_read) r
        ON r.file_id = m.file_id AND m.epoch >= r.epoch
"""

CHECKS: Final = (
    Check(
        codes.ORIGIN,
        "each row of a manifest has the home, run and phase of its part",
        "SELECT p.path AS address, count(*) AS count FROM manifest m JOIN part p USING (part) WHERE bad GROUP BY ALL",
    ),
    Check(
        codes.PATH_TWICE,
        "no manifest has a path twice with the same type",
        """
        SELECT concat(any_value(p.home), ':', any_value(m.path)) AS address, any_value(p.run) AS run, count(*) AS count
        FROM manifest m JOIN part p USING (part) GROUP BY m.g, m.path_bytes, m.entry_type HAVING count(*) > 1
        """,
    ),
    Check(codes.WORD, "the manifests have known values", _words()),
    Check(
        codes.NO_DIGEST,
        "every file that was read has its digests",
        f"""
        SELECT {_WHERE} AS address, p.run, concat_ws(', ', CASE WHEN sha256 IS NULL THEN 'sha256' END,
            CASE WHEN content_xxh3 IS NULL THEN 'content_xxh3' END,
            CASE WHEN prefix_xxh3 IS NULL THEN 'prefix_xxh3' END,
            CASE WHEN watermark IS NULL THEN 'watermark' END, CASE WHEN generation IS NULL THEN 'generation' END,
            CASE WHEN first_run_id IS NULL THEN 'first_run_id' END) AS what
        FROM manifest m JOIN part p USING (part) WHERE file_id IS NOT NULL AND what <> ''
        """,
    ),
    Check(
        codes.WATERMARK,
        "no watermark is beyond the end of its file",
        f"""
        SELECT {_WHERE} AS address, p.run, m.watermark, m.size FROM manifest m JOIN part p USING (part)
        WHERE (watermark > size OR watermark < 0 OR size < 0) AND outcome NOT IN {_NOT_AS_READ}
        """,
    ),
    Check(
        codes.READ_ALTHOUGH,
        "no withheld or only listed file was read",
        f"""
        SELECT {_WHERE} AS address, p.run, m.treatment FROM manifest m JOIN part p USING (part)
        WHERE treatment IN ('withhold', 'inventory')
            AND (file_id IS NOT NULL OR sha256 IS NOT NULL OR content_xxh3 IS NOT NULL)
        """,
    ),
    Check(
        codes.TIMES,
        "times of modification agree",
        """
        SELECT p.path AS address, count(*) AS count FROM manifest m JOIN part p USING (part)
        WHERE epoch_us(modified_at) <> (mtime_ns - ((mtime_ns % 1000 + 1000) % 1000)) // 1000 GROUP BY ALL
        """,
    ),
    Check(
        codes.FORGOTTEN,
        "every manifest has a row for each path of the previous manifest",
        """
        WITH following AS (
            SELECT g, run, lead(g) OVER w AS next, lead(run) OVER w AS next_run
            FROM chain WHERE is_read WINDOW w AS (PARTITION BY home, phase ORDER BY epoch)
        )
        SELECT concat(p.home, ':', m.path) AS address, f.run AS before, f.next_run AS run
        FROM manifest m JOIN part p USING (part, g) JOIN following f USING (g)
        ANTI JOIN manifest n ON n.g = f.next AND n.path_bytes = m.path_bytes
        WHERE f.next IS NOT NULL
        """,
        needs=("manifest", RUNS),
        across_runs=True,
    ),
    Check(
        codes.NEVER_READ,
        "every file of a manifest was read",
        f"SELECT {_WHERE} AS address, p.run FROM ({_LAST_READ}) m JOIN part p USING (part) WHERE read_epoch IS NULL",
        needs=("manifest", "extractions", RUNS),
        across_runs=True,
    ),
    Check(
        codes.OTHER_SIZE,
        "sizes and watermarks are those of the last reading",
        f"""
        SELECT {_WHERE} AS address, p.run, m.size, m.watermark, m.read_size, m.read_watermark
        FROM ({_LAST_READ}) m JOIN part p USING (part)
        WHERE (m.size <> read_size OR m.watermark <> read_watermark) AND outcome NOT IN {_NOT_AS_READ}
        """,
        needs=("manifest", "extractions", RUNS),
        across_runs=True,
    ),
    Check(
        codes.OTHER_DIGEST,
        "one reading has one digest",
        f"""
        SELECT any_value({_WHERE}) AS address, any_value(m.size) AS size, count(DISTINCT sha256) AS count
        FROM ({_LAST_READ}) m JOIN part p USING (part) WHERE read_epoch IS NOT NULL
        GROUP BY m.file_id, m.read_epoch HAVING count(DISTINCT sha256) > 1
        """,
        needs=("manifest", "extractions", RUNS),
        across_runs=True,
    ),
    Check(
        codes.FIRST_RUN,
        "`first_run_id` is the first run that read the file, or one for which that run was lost",
        f"""
        WITH first AS (
            SELECT file_id, arg_min(chain.run, chain.epoch) AS run FROM every_read JOIN chain USING (g) GROUP BY file_id
        )
        SELECT {_WHERE} AS address, any_value(p.run) AS run, m.first_run_id AS first
        FROM manifest m SEMI JOIN chain USING (g) JOIN part p USING (part) JOIN first ON first.file_id = m.file_id
        WHERE m.first_run_id <> first.run AND m.first_run_id NOT IN (SELECT run FROM chain WHERE is_blind) GROUP BY ALL
        """,
        needs=("extractions", RUNS),
        across_runs=True,
    ),
    Check(
        codes.OUTCOMES,
        "the commit records have the counts of the manifests' outcomes",
        """
        WITH found AS (SELECT g, outcome, count(*) AS n FROM whole_manifest GROUP BY ALL),
            said AS (SELECT o.* FROM outcome o JOIN grp USING (g) WHERE whole)
        SELECT grp.address, grp.phase, grp.home, outcome, coalesce(f.n, 0) AS actual, coalesce(s.n, 0) AS expected
        FROM found f FULL JOIN said s USING (g, outcome) JOIN grp USING (g) WHERE f.n IS DISTINCT FROM s.n
        """,
    ),
    Check(
        codes.FOUND,
        "the commit records have the number of the manifests' files",
        f"""
        WITH found AS (
            SELECT g, source, count(*) AS n, sum(size)::BIGINT AS bytes FROM whole_manifest
            WHERE entry_type = 'file' AND outcome NOT IN {sql_outcomes(NOT_PRESENT)} GROUP BY ALL
        ), said AS (
            SELECT c.g, source, sum(n) FILTER (what = 'files_found')::BIGINT AS n,
                sum(n) FILTER (what = 'bytes_found')::BIGINT AS bytes
            FROM counted c JOIN grp USING (g) WHERE whole GROUP BY ALL
        )
        SELECT grp.address, source, grp.home, coalesce(f.n, 0) AS actual_files, coalesce(f.bytes, 0) AS actual_bytes,
            coalesce(s.n, 0) AS files, coalesce(s.bytes, 0) AS bytes
        FROM found f FULL JOIN said s USING (g, source) JOIN grp USING (g)
        WHERE coalesce(f.n, 0) <> coalesce(s.n, 0) OR coalesce(f.bytes, 0) <> coalesce(s.bytes, 0)
        """,
    ),
)


def check_names(context: Context, tables: Tables) -> None:
    """Compare each file's id with the one computed from home, path and generation, and its printable path with its
    bytes.
    """
    cursor = tables.connection.execute(
        "SELECT DISTINCT p.home, m.path, m.path_bytes, m.generation, m.file_id FROM manifest m JOIN part p USING (part)"
    )
    while some := cursor.fetchmany(1000):
        for home, path, path_bytes, generation, number in some:
            address = f"{home}:{path}"
            if path != printable_path(path_bytes):
                context.findings.append(codes.PATH_FORM.at(address, path=printable_path(path_bytes)))
            if number is not None and number != file_id(home, path_bytes, generation or 0):
                context.findings.append(codes.FILE_ID.at(address, file_id=number))
