"""Reports known losses: the bytes, rows, manifests and runs that `extract repair` found nowhere."""

from typing import Final

from models.findings import losses as codes
from pipelines.verify.checks import Check
from pipelines.verify.context import Context

CHECKS: Final = (
    Check(
        codes.BYTES,
        "no bytes are known to be lost",
        """
        WITH gone AS (SELECT * FROM piece WHERE is_lost(digest)), counted AS (
            SELECT gone.g, gone.file_id, count(DISTINCT e.o) AS entries
            FROM gone JOIN entry e ON e.g = gone.g AND e.file_id = gone.file_id AND e.o < gone.o + gone.l
                AND e.o + e.l > gone.o GROUP BY ALL
        )
        SELECT called(gone.file_id, any_value(n.address)) AS address, any_value(p.run) AS run,
            sum(gone.l)::BIGINT AS count, min(gone.o) AS first, coalesce(any_value(c.entries), 0) AS entries,
            coalesce(any_value(r.size - r.from_offset), sum(gone.l)::BIGINT) AS size
        FROM gone JOIN part p USING (part) LEFT JOIN named n ON n.file_id = gone.file_id
        LEFT JOIN counted c ON c.g = gone.g AND c.file_id = gone.file_id
        LEFT JOIN every_read r ON r.g = gone.g AND r.file_id = gone.file_id
        GROUP BY gone.g, gone.file_id
        """,
    ),
    Check(
        codes.ROWS,
        "no rows are known to be lost",
        """
        WITH later AS (
            SELECT r.file_id, grp.epoch, grp.g FROM every_read r JOIN grp USING (g) WHERE r.from_offset = 0
        )
        SELECT t.path AS address, any_value(t.tab) AS table, any_value(t.run) AS run, count(DISTINCT r.file_id) AS count
        FROM retired t JOIN grp USING (g) JOIN every_read r ON r.g = t.g AND (r.row_count > 0 OR t.tab = 'entries')
        WHERE t.tab NOT IN ('manifest', 'extractions', 'pieces', 'store', 'message_texts', 'drift')
            AND NOT EXISTS (FROM later WHERE later.file_id = r.file_id AND later.epoch > grp.epoch
                AND NOT EXISTS (FROM retired u WHERE u.g = later.g AND u.tab = t.tab))
        GROUP BY t.path
        """,
    ),
    Check(
        codes.MANIFEST,
        "no manifest is known to be lost",
        """
        SELECT t.path AS address, t.run, grp.phase, grp.home FROM retired t JOIN grp USING (g)
        WHERE t.tab = 'manifest'
        """,
    ),
    Check(
        codes.TEXTS,
        "no texts of messages are known to be lost",
        """
        SELECT p.path AS address, count(DISTINCT t.message_id) AS count
        FROM occurrence t SEMI JOIN chain USING (g) JOIN part p USING (part)
        ANTI JOIN (SELECT message_id FROM kept_text SEMI JOIN chain USING (g)) x ON x.message_id = t.message_id
        WHERE EXISTS (FROM retired WHERE tab = 'message_texts') GROUP BY ALL
        """,
        needs=("message_texts", "runs"),
    ),
)


def check_runs(context: Context) -> None:
    """Name the runs that were lost as a whole."""
    for run in context.runs:
        if run.status == "lost":
            address = context.address(context.layout.commit_record(run.run_id))
            context.findings.append(codes.RUN.at(address, epoch=run.epoch))
