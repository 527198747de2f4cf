"""Checks the content of each file's reading: counts balance, spans tile the file, each row is at the span of an
entry.
"""

from typing import Final

from models.counts import READING_COUNTS
from models.findings import contents as codes
from models.reject import RejectCode
from pipelines.verify.checks import Check

ENTRY_KINDS: Final = ("entry", "reject", "padding", "tail", "erased")


def tiles(spans: str) -> str:
    """Return a query of the files whose spans in a table do not tile the bytes read, each with the first problem."""
    return f"""
        WITH ordered AS (
            SELECT g, file_id, o, o + l AS until, lag(o + l) OVER (PARTITION BY g, file_id ORDER BY o, l) AS before
            FROM {spans}
        ), joined AS (
            SELECT g, file_id, min(o) AS first, max(until) AS last, min(before) FILTER (before < o) AS gap,
                min(o) FILTER (before > o) AS overlap
            FROM ordered GROUP BY ALL
        )
        SELECT called(r.file_id, n.address) AS address, grp.run, CASE
            WHEN coalesce(j.first, r.size) <> r.from_offset
                THEN concat('they begin at byte ', coalesce(j.first, r.size), ', not at ', r.from_offset)
            WHEN gap IS NOT NULL THEN concat('there is a gap at byte ', gap)
            WHEN overlap IS NOT NULL THEN concat('two overlap at byte ', overlap)
            ELSE concat('they end at byte ', j.last, ', not at ', r.size) END AS problem
        FROM read r JOIN grp USING (g) LEFT JOIN joined j ON j.g = r.g AND j.file_id = r.file_id
        LEFT JOIN named n ON n.file_id = r.file_id
        WHERE coalesce(j.first, r.size) <> r.from_offset OR gap IS NOT NULL OR overlap IS NOT NULL OR j.last <> r.size
    """


def per_file(code_columns: str, table: str, join: str, wrong: str) -> str:
    """Return a query of the readings whose counts differ from those of a table's rows for their file."""
    return f"""
        SELECT called(r.file_id, n.address) AS address, grp.run, {code_columns}
        FROM read r JOIN grp USING (g) LEFT JOIN named n ON n.file_id = r.file_id
        LEFT JOIN (SELECT g, file_id, {join} FROM {table} GROUP BY ALL) t ON t.g = r.g AND t.file_id = r.file_id
        WHERE {wrong}
    """


def _without(table: str, other: str, on: str, select: str = "") -> str:
    """Return a query of the parts of a table with rows that have no matching row in another table."""
    return f"""
        SELECT p.path AS address, count(*) AS count{select} FROM {table} t JOIN part p USING (part)
        JOIN grp ON grp.g = t.g AND grp.whole
        ANTI JOIN {other} x ON x.g = t.g AND x.file_id = t.file_id{on} GROUP BY ALL
    """


_SAME_SPAN: Final = " AND x.o = t.o AND x.l = t.l"
_ALL_SPANS: Final = ("entry", "piece", "reject", "repair", "occurrence", "row_span")


_SUMMED: Final = tuple(one.summed_as for one in READING_COUNTS if one.summed_as is not None)


def _sums() -> str:
    return " UNION ALL ".join(
        f"SELECT g, source, '{one.summed_as}' AS what, sum({one.name})::BIGINT AS n FROM read GROUP BY ALL"
        for one in READING_COUNTS
        if one.summed_as is not None
    )


CHECKS: Final = (
    Check(
        codes.EXTRACTION_ORIGIN,
        "each reading has the home, run and phase of its part",
        "SELECT path AS address, count(*) AS count FROM extraction JOIN part USING (part, g) WHERE bad GROUP BY ALL",
    ),
    Check(
        codes.ROW_ORIGIN,
        "each row has the home and run of its part",
        "SELECT path AS address, sum(n)::BIGINT AS count FROM ("
        + " UNION ALL ".join(
            f"SELECT part, {'n' if table == 'row_span' else '1'} AS n FROM {table} WHERE bad"
            for table in (*_ALL_SPANS, "drift")
        )
        + ") JOIN part USING (part) GROUP BY ALL",
    ),
    Check(
        codes.BALANCE,
        "entries give rows or are rejected",
        """
        SELECT called(r.file_id, n.address) AS address, grp.run, entry_count AS entries, entries_with_rows AS with_rows,
            reject_count AS rejects
        FROM read r JOIN grp USING (g) LEFT JOIN named n ON n.file_id = r.file_id
        WHERE entry_count <> entries_with_rows + reject_count
        """,
    ),
    Check(
        codes.READ_TWICE,
        "no run lists two readings of one generation",
        """
        SELECT called(r.file_id, any_value(n.address)) AS address, any_value(grp.run) AS run, count(*) AS count
        FROM extraction r JOIN grp USING (g) LEFT JOIN named n ON n.file_id = r.file_id
        GROUP BY r.g, r.file_id HAVING count(*) > 1
        """,
    ),
    Check(
        codes.SPAN,
        "each reading begins before its watermark, and the watermark is inside the file",
        """
        SELECT called(r.file_id, n.address) AS address, grp.run, from_offset AS start, watermark, size
        FROM read r JOIN grp USING (g) LEFT JOIN named n ON n.file_id = r.file_id
        WHERE NOT (0 <= from_offset AND from_offset <= watermark AND watermark <= size)
        """,
    ),
    Check(
        codes.NO_FILE,
        "every file that was read is in the manifest, and every reparsed file in an earlier manifest",
        """
        SELECT p.path AS address, grp.run, r.file_id FROM read r JOIN grp USING (g) JOIN part p USING (part)
        ANTI JOIN manifest m ON m.g = r.g AND m.file_id = r.file_id WHERE grp.is_read
        UNION ALL
        SELECT p.path AS address, grp.run, r.file_id FROM read r JOIN grp USING (g) JOIN part p USING (part)
        ANTI JOIN manifest m ON m.file_id = r.file_id WHERE NOT grp.is_read
        """,
    ),
    Check(
        codes.CONTINUES,
        "each reading goes on where the one before ended, or begins with the first byte",
        """
        WITH ordered AS (
            SELECT r.*, chain.run, lag(watermark, 1, 0) OVER (PARTITION BY file_id ORDER BY epoch) AS expected
            FROM every_read r JOIN chain USING (g) WHERE is_read
        )
        SELECT called(o.file_id, n.address) AS address, run, from_offset AS actual, expected
        FROM ordered o LEFT JOIN named n ON n.file_id = o.file_id WHERE from_offset NOT IN (expected, 0)
        """,
        needs=("extractions", "runs"),
        across_runs=True,
    ),
    Check(
        codes.NOT_EXTRACTED,
        "every row comes from a file that its run read",
        " UNION ALL ".join(_without(table, "extraction", "", ", p.tab AS table") for table in _ALL_SPANS),
    ),
    Check(
        codes.DRIFT_FILE, "every example of drift is in a file that its run read", _without("drift", "extraction", "")
    ),
    Check(
        codes.ENTRY_KIND,
        "all entries have a known kind",
        f"""
        SELECT p.path AS address, kind, count(*) AS count FROM entry JOIN part p USING (part)
        WHERE kind NOT IN {ENTRY_KINDS} GROUP BY ALL
        """,
    ),
    Check(
        codes.ENTRY_COUNT,
        "the table `entries` has as many entries as were counted",
        per_file(
            "entry_count AS entries, entries_with_rows AS with_rows, coalesce(t.entries, 0) AS actual_entries, "
            "coalesce(t.with_rows, 0) AS actual_with_rows",
            "entry",
            "count(*) FILTER (kind IN ('entry', 'reject')) AS entries, count(*) FILTER (kind = 'entry') AS with_rows",
            "entry_count <> coalesce(t.entries, 0) OR entries_with_rows <> coalesce(t.with_rows, 0)",
        ),
    ),
    Check(
        codes.PADDING,
        "padding and tails are as long as was counted",
        per_file(
            "padding_bytes AS padding, tail_bytes AS tail, coalesce(t.padding, 0) AS actual_padding, "
            "coalesce(t.tail, 0) AS actual_tail",
            "entry",
            "coalesce(sum(l) FILTER (kind = 'padding'), 0)::BIGINT AS padding, "
            "coalesce(sum(l) FILTER (kind = 'tail'), 0)::BIGINT AS tail",
            "padding_bytes <> coalesce(t.padding, 0) OR tail_bytes <> coalesce(t.tail, 0) "
            "OR tail_bytes <> size - watermark",
        ),
    ),
    Check(codes.TILES, "the entries tile every file", tiles("entry")),
    Check(
        codes.REJECT_COUNT,
        "the quarantine has as many rejects as were counted",
        per_file(
            "reject_count AS expected, coalesce(t.n, 0) AS actual",
            "reject",
            "count(*) AS n",
            "reject_count <> coalesce(t.n, 0)",
        ),
    ),
    Check(
        codes.REJECT_CODE,
        "the codes of rejects are known",
        f"""
        SELECT p.path AS address, code AS reject_code, count(*) AS count FROM reject JOIN part p USING (part)
        WHERE code NOT IN {tuple(str(code) for code in RejectCode)} GROUP BY ALL
        """,
    ),
    Check(
        codes.REJECT_SPAN,
        "every reject is at the span of a rejected entry",
        _without("reject", "entry", f"{_SAME_SPAN} AND x.kind = 'reject'"),
    ),
    Check(codes.REPAIR_SPAN, "every repair is at the span of an entry", _without("repair", "entry", _SAME_SPAN)),
    Check(
        codes.SOURCE_SUM,
        "the counts of the commit records are those of `extractions`",
        f"""
        WITH found AS ({_sums()}), said AS (
            SELECT c.* FROM counted c JOIN grp USING (g) WHERE whole AND what IN {_SUMMED}
        )
        SELECT grp.address, source, grp.home, what, coalesce(s.n, 0) AS expected, coalesce(f.n, 0) AS actual
        FROM found f FULL JOIN said s USING (g, source, what) JOIN grp USING (g)
        WHERE coalesce(s.n, 0) <> coalesce(f.n, 0)
        """,
    ),
    Check(
        codes.REJECT_SUM,
        "the commit records count the rejects by their codes",
        """
        WITH found AS (
            SELECT t.g, code, count(*) AS n FROM reject t SEMI JOIN read r ON r.g = t.g AND r.file_id = t.file_id
            GROUP BY ALL
        ), said AS (SELECT s.* FROM reject_sum s JOIN grp USING (g) WHERE whole)
        SELECT grp.address, grp.phase, grp.home, code AS reject_code, coalesce(f.n, 0) AS actual,
            coalesce(s.n, 0) AS expected
        FROM found f FULL JOIN said s USING (g, code) JOIN grp USING (g) WHERE f.n IS DISTINCT FROM s.n
        """,
    ),
    Check(
        codes.NO_ENTRY,
        "every row is at the span of an entry of its file",
        " UNION ALL ".join(
            _without(table, "entry", f"{_SAME_SPAN} AND x.kind IN ('entry', 'tail')", ", p.tab AS table")
            for table in ("row_span", "occurrence")
        ),
    ),
    Check(
        codes.ROW_COUNT,
        "every entry has as many rows as the table `entries` records",
        """
        WITH spans AS (SELECT g, file_id, o, l, sum(n)::BIGINT AS n FROM row_span GROUP BY ALL)
        SELECT called(e.file_id, any_value(a.address)) AS address, count(*) AS count, arg_min(e.n, e.o) AS expected,
            arg_min(coalesce(s.n, 0), e.o) AS actual
        FROM entry e SEMI JOIN (FROM grp WHERE whole) USING (g) LEFT JOIN spans s USING (g, file_id, o, l)
        LEFT JOIN named a ON a.file_id = e.file_id
        WHERE e.n <> coalesce(s.n, 0) GROUP BY e.g, e.file_id
        """,
    ),
    Check(
        codes.ROW_SUM,
        "the rows of each file are as many as were counted",
        per_file(
            "row_count AS expected, coalesce(t.n, 0) AS actual",
            "entry",
            "sum(n)::BIGINT AS n",
            "row_count <> coalesce(t.n, 0)",
        ),
    ),
)

MESSAGE_CHECKS: Final = (
    Check(
        codes.NO_TEXT,
        "every message that occurs has a text",
        """
        SELECT p.path AS address, count(*) AS count FROM occurrence t SEMI JOIN chain USING (g) JOIN part p USING (part)
        ANTI JOIN (SELECT message_id FROM kept_text SEMI JOIN chain USING (g)) x ON x.message_id = t.message_id
        WHERE NOT EXISTS (FROM retired WHERE tab = 'message_texts') GROUP BY ALL
        """,
        needs=("message_texts", "runs"),
        across_runs=True,
    ),
    Check(
        codes.SEEN_COUNT,
        "each file has as many message occurrences as were counted",
        per_file(
            "message_count AS expected, coalesce(t.n, 0) AS actual",
            "occurrence",
            "count(*) AS n",
            "message_count <> coalesce(t.n, 0)",
        ),
    ),
    Check(
        codes.SEEN_SUM,
        "the commit records have the number of message occurrences",
        """
        WITH found AS (SELECT g, count(*) AS n FROM occurrence GROUP BY g), said AS (
            SELECT g, sum(n)::BIGINT AS n FROM counted WHERE what IN ('messages_new', 'messages_duplicate') GROUP BY g
        )
        SELECT grp.address, grp.phase, grp.home, coalesce(s.n, 0) AS expected, coalesce(f.n, 0) AS actual
        FROM grp LEFT JOIN found f USING (g) LEFT JOIN said s USING (g)
        WHERE whole AND coalesce(s.n, 0) <> coalesce(f.n, 0)
        """,
    ),
    Check(
        codes.TEXT_UNSEEN,
        "every message text has an occurrence",
        """
        SELECT p.path AS address, count(*) AS count
        FROM kept_text t JOIN part p USING (part) JOIN grp ON grp.g = t.g AND grp.whole
        ANTI JOIN occurrence x ON x.message_id = t.message_id GROUP BY ALL
        """,
    ),
)
