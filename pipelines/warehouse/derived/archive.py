"""Core tables of the archive itself: homes, runs, files in each generation, and views of the inventory and of current
rows.
"""

from models.schema import FLAG, INSTANT, INTEGER, TEXT, Column, Table
from pipelines.warehouse.derived.declare import CoreTable, Renewal, View

FILES = CoreTable(
    Table(
        "files",
        "One row for each file in each generation that was kept: what every row's file_id points to.",
        (
            Column("file_id", INTEGER, "The file in this generation.", required=True),
            Column("home_id", TEXT, "The home.", required=True),
            Column("path", TEXT, "Path below the home, unprintable bytes escaped.", required=True, is_distinct=True),
            Column("source", TEXT, "The source.", required=True),
            Column("phase", INTEGER, "The phase.", required=True),
            Column("entry_type", TEXT, "file, directory or link.", required=True),
            Column("generation", INTEGER, "Counts from 1 each time earlier content was found replaced.", required=True),
            Column(
                "state",
                TEXT,
                "present; expired (gone from the home); superseded (a later generation took its place).",
                required=True,
            ),
            Column("size", INTEGER, "Bytes at the last run that saw it.", required=True),
            Column("watermark", INTEGER, "How far it was consumed as whole entries."),
            Column("modified_at", INSTANT, "Time of modification as last seen (UTC).", required=True),
            Column("sha256", TEXT, "SHA-256 of its bytes as last seen.", is_distinct=True),
            Column("first_run_id", TEXT, "The run that first read this generation."),
            Column("last_run_id", TEXT, "The last run that saw it.", required=True),
            Column("expired_run_id", TEXT, "The first run that found it gone."),
        ),
        has_provenance=False,
    ),
    """
    WITH ordered AS NOT MATERIALIZED (
        SELECT m.*, r.epoch FROM manifest m JOIN runs r USING (run_id) WHERE m.file_id IS NOT NULL
    ), newest AS (
        SELECT home_id, path_bytes, arg_max(file_id, {'epoch': epoch, 'generation': generation}) AS file_id
        FROM ordered GROUP BY ALL
    ), seen AS (
        -- A file that was deleted right after it was read has been seen by no other row than the one that says so.
        SELECT * FROM ordered
        QUALIFY row_number() OVER (PARTITION BY file_id ORDER BY outcome IN ('expired', 'missing'), epoch DESC) = 1
    ), gone AS (
        SELECT file_id, min(epoch) AS epoch, arg_min(run_id, epoch) AS run_id
        FROM ordered o WHERE outcome IN ('expired', 'missing')
            AND NOT EXISTS (SELECT 1 FROM ordered p WHERE p.file_id = o.file_id AND p.epoch > o.epoch
                AND p.outcome NOT IN ('expired', 'missing'))
        GROUP BY ALL
    )
    SELECT s.*, s.run_id AS last_run_id, g.run_id AS expired_run_id,
        CASE WHEN n.file_id IS DISTINCT FROM s.file_id THEN 'superseded'
            WHEN g.file_id IS NOT NULL THEN 'expired' ELSE 'present' END AS state
    FROM seen s
    JOIN newest n ON n.home_id = s.home_id AND n.path_bytes = s.path_bytes
    LEFT JOIN gone g ON g.file_id = s.file_id
    ORDER BY s.home_id, s.path, s.generation
    """,
    # Every run names every file: what earlier ones said of it is in its row, which names the two that it rests on.
    Renewal(
        "file_id",
        """
        WITH named AS (
            SELECT file_id, home_id, path FROM manifest SEMI JOIN new_runs USING (run_id) WHERE file_id IS NOT NULL
        )
        SELECT file_id FROM named UNION SELECT file_id FROM files SEMI JOIN named USING (home_id, path)
        """,
        {
            "manifest": """MATERIALIZED (
                SELECT * FROM warehouse.manifest SEMI JOIN new_runs USING (run_id)
                UNION ALL
                SELECT * FROM warehouse.manifest ANTI JOIN new_runs USING (run_id) SEMI JOIN (
                    SELECT file_id, unnest([last_run_id, expired_run_id]) AS run_id
                    FROM warehouse.files SEMI JOIN touched USING (file_id)
                ) USING (file_id, run_id)
            )"""
        },
    ),
)

ARCHIVE_TABLES = (FILES,)

ARCHIVE_VIEWS = (
    View(
        "inventory",
        "The newest manifest row of each thing in each home: what is there, "
        "what is withheld or only listed, and how it fared.",
        """
        SELECT m.* FROM manifest m JOIN runs r USING (run_id)
        QUALIFY row_number() OVER (
            PARTITION BY m.home_id, m.path_bytes ORDER BY r.epoch DESC, m.outcome IN ('moved', 'expired')) = 1
        """,
    ),
    View(
        "homes",
        "Each home, with what is kept of it.",
        """
        SELECT home_id, count(*) FILTER (state = 'present') AS file_count,
            count(*) FILTER (state = 'expired') AS expired_count,
            sum(size) FILTER (state <> 'superseded') AS kept_bytes, min(first_run_id) AS first_run_id,
                max(last_run_id) AS last_run_id
        FROM files WHERE entry_type = 'file' GROUP BY home_id
        """,
    ),
)

RUNS = Table(
    "runs",
    "One row for each committed run.",
    (
        Column("run_id", TEXT, "The run.", required=True),
        Column("epoch", INTEGER, "Counts the runs of the archive from 1.", required=True),
        Column("status", TEXT, "complete, or open when it was stopped after some phases.", required=True),
        Column("started_at", INSTANT, "When it began (UTC).", required=True),
        Column("finished_at", INSTANT, "When it was done (UTC)."),
        Column("tool_version", TEXT, "Version of this program.", required=True),
        Column("is_full", FLAG, "Whether everything was read again.", required=True),
    ),
    has_provenance=False,
)

RUN_SOURCES = Table(
    "run_sources",
    "What each source gave in each run: files, bytes, entries, rows, rejects and messages.",
    (
        Column("run_id", TEXT, "The run.", required=True),
        Column("home_id", TEXT, "The home.", required=True),
        Column("phase", INTEGER, "The phase.", required=True),
        Column("source", TEXT, "The source.", required=True),
        Column("files_found", INTEGER, "Files in the home.", required=True),
        Column("files_read", INTEGER, "Files that were read.", required=True),
        Column("files_unchanged", INTEGER, "Files that held what they held at the run before.", required=True),
        Column("files_vanished", INTEGER, "Files that were gone for the first time.", required=True),
        Column("files_withheld", INTEGER, "Files never opened, by a named rule.", required=True),
        Column("files_listed", INTEGER, "Files that are only listed.", required=True),
        Column("files_unreadable", INTEGER, "Files that the system refused.", required=True),
        Column("bytes_found", INTEGER, "Bytes of the files found.", required=True),
        Column("bytes_read", INTEGER, "Bytes read.", required=True),
        Column("bytes_kept_new", INTEGER, "Bytes that the store did not hold yet.", required=True),
        Column("entries", INTEGER, "Entries read.", required=True),
        Column("entries_with_rows", INTEGER, "Entries that gave rows.", required=True),
        Column("rejects", INTEGER, "Entries rejected.", required=True),
        Column(
            "padding_bytes", INTEGER, "Bytes between entries: blank lines, NUL runs, byte order marks.", required=True
        ),
        Column("tail_bytes", INTEGER, "Bytes waiting for the end of their entry.", required=True),
        Column("rows", INTEGER, "Rows given.", required=True),
        Column("messages_new", INTEGER, "Messages that the store did not know.", required=True),
        Column("messages_duplicate", INTEGER, "Places where a message was known already.", required=True),
    ),
    has_provenance=False,
)

PARTS = Table(
    "parts",
    "The committed Parquet files that the warehouse was made of: which run made which file.",
    (
        Column("part_path", TEXT, "Path below the data directory.", required=True, is_distinct=True),
        Column("table_name", TEXT, "The table whose rows it holds.", required=True),
        Column("run_id", TEXT, "The run that wrote it.", required=True),
        Column("row_count", INTEGER, "Rows in it.", required=True),
        Column("size", INTEGER, "Its length in bytes.", required=True),
        Column("sha256", TEXT, "Its SHA-256.", required=True, is_distinct=True),
    ),
    has_provenance=False,
)

RECORD_TABLES = (RUNS, RUN_SOURCES, PARTS)
"""Tables filled from the commit records themselves."""
