"""Checks the store by digests and lengths: each piece exists once, and the pieces tile the bytes read."""

from typing import Final

from models.findings import records
from models.findings import store as codes
from pipelines.verify.checks import Check
from pipelines.verify.contents import per_file, tiles
from pipelines.verify.context import Context
from pipelines.verify.tables import Tables

CHECKS: Final = (
    Check(codes.TILES, "the pieces tile every file", tiles("piece")),
    Check(
        codes.COUNT,
        "each recipe has as many pieces as were counted",
        per_file(
            "piece_count AS expected, coalesce(t.n, 0) AS actual",
            "piece",
            "count(*) AS n",
            "piece_count <> coalesce(t.n, 0)",
        ),
    ),
    Check(
        codes.GONE,
        "every piece is in the store",
        """
        SELECT p.path AS address, count(*) AS count FROM piece t SEMI JOIN chain USING (g) JOIN part p USING (part)
        ANTI JOIN (SELECT digest FROM stored SEMI JOIN chain USING (g)) s ON s.digest = t.digest
        WHERE NOT is_erased(t.digest) AND NOT is_lost(t.digest) GROUP BY ALL
        """,
        needs=("store", "runs"),
        across_runs=True,
    ),
    Check(
        codes.LENGTH,
        "every piece has the length of its recipe",
        """
        SELECT p.path AS address, count(*) AS count FROM piece t JOIN part p USING (part)
        JOIN (SELECT digest, min(piece_bytes) AS shortest, max(piece_bytes) AS longest FROM stored GROUP BY digest) s
            ON s.digest = t.digest
        WHERE t.l <> shortest OR t.l <> longest GROUP BY ALL
        """,
    ),
    Check(
        codes.TWICE,
        "no piece is in the store twice",
        """
        WITH counted AS (SELECT * FROM stored SEMI JOIN chain USING (g)),
            twice AS (SELECT digest FROM counted GROUP BY digest HAVING count(*) > 1), numbered AS (
            SELECT part, row_number() OVER (PARTITION BY digest ORDER BY part) AS place
            FROM counted SEMI JOIN twice USING (digest)
        )
        SELECT p.path AS address, count(*) AS count FROM numbered JOIN part p USING (part) WHERE place > 1 GROUP BY ALL
        """,
        across_runs=True,
    ),
    Check(
        codes.NEW_BYTES,
        "the store has as many new bytes as were counted",
        """
        WITH found AS (SELECT g, sum(piece_bytes)::BIGINT AS n FROM cut GROUP BY g),
            said AS (SELECT g, sum(new_piece_bytes)::BIGINT AS n FROM extraction GROUP BY g)
        SELECT grp.address, grp.phase, grp.home, coalesce(s.n, 0) AS expected, coalesce(f.n, 0) AS actual
        FROM grp LEFT JOIN found f USING (g) LEFT JOIN said s USING (g)
        WHERE whole AND coalesce(s.n, 0) <> coalesce(f.n, 0)
        """,
    ),
    Check(
        codes.UNUSED,
        "every piece of the store belongs to a file",
        """
        SELECT p.path AS address, count(*) AS count
        FROM cut t JOIN part p USING (part) JOIN grp ON grp.g = t.g AND grp.whole
        ANTI JOIN piece x ON x.g = t.g AND x.digest = t.digest GROUP BY ALL
        """,
    ),
)


def check_erased(context: Context, tables: Tables) -> None:
    """Check that tombstones exist if bytes were erased: without them the next run would read the content again."""
    if context.layout.tombstones_file.exists():
        return
    if any(tables.rows("SELECT 1 AS one FROM piece WHERE is_erased(digest) LIMIT 1")):
        context.findings.append(records.TOMBSTONES_GONE.at(context.address(context.layout.tombstones_file)))
