"""Core tables of what was said: each distinct message once, over all homes and sources, and the pastes that prompts
refer to.
"""

from models.schema import FLAG, INSTANT, INTEGER, TEXT, Column, Table
from pipelines.warehouse.derived.declare import CoreTable, Renewal, View

MESSAGE_PLACES = CoreTable(
    Table(
        "message_places",
        "What is known of each message from the places where it was seen; `messages` joins it with the text.",
        (
            Column("message_id", TEXT, "SHA-256 of the exact text in UTF-8, in hex.", required=True, is_distinct=True),
            Column("kind", TEXT, "What it was where it was first said: prompt, text, tool_result, …", required=True),
            Column("role", TEXT, "Who said it there: user, assistant, system or tool."),
            Column("first_said_at", INSTANT, "The earliest time that an entry gives for it (UTC)."),
            Column("occurrence_count", INTEGER, "Places where it was seen.", required=True),
            Column("session_count", INTEGER, "Sessions in which it was seen.", required=True),
            Column("home_count", INTEGER, "Homes in which it was seen.", required=True),
            Column("was_imported", FLAG, "Whether a store that was read in knew it already.", required=True),
        ),
        has_provenance=False,
    ),
    """
    WITH places AS (
        SELECT message_id,
            arg_min(
                {'kind': kind, 'role': role},
                {'at': coalesce(said_at, TIMESTAMP '9999-01-01'), 'kind': kind, 'role': role}
            ) AS first,
            min(said_at) AS first_said_at,
            count(*) AS occurrence_count,
            count(DISTINCT session_id) AS session_count,
            count(DISTINCT home_id) AS home_count
        FROM occurrences GROUP BY message_id
    )
    SELECT p.message_id, p.first.kind AS kind, p.first.role AS role, p.first_said_at, p.occurrence_count,
        p.session_count, p.home_count, i.message_id IS NOT NULL AS was_imported
    FROM places p LEFT JOIN imported_messages i USING (message_id)
    """,
    Renewal(
        "message_id",
        """
        SELECT DISTINCT message_id FROM occurrences o
        JOIN changed c ON c.run_id = o.run_id AND c.file_id = o.file_id AND o.byte_offset >= c.from_offset
        """,
        {"occurrences": "NOT MATERIALIZED (FROM warehouse.occurrences SEMI JOIN touched USING (message_id))"},
    ),
)

MESSAGE_TABLES = (MESSAGE_PLACES,)

MESSAGE_VIEWS = (
    View(
        "messages",
        "Each distinct message once: what it says, what it was where it was first said, and how often it was seen.",
        """
        SELECT t.message_id, p.kind, p.role, t.text, t.text_bytes, p.first_said_at, p.occurrence_count,
            p.session_count, p.home_count, p.was_imported
        FROM message_texts t JOIN message_places p USING (message_id)
        """,
    ),
    View(
        "prompt_paste_contents",
        "Each paste of a prompt with where its text is: inline, kept (in "
        "paste-cache/), or gone (swept before it was read).",
        """
        SELECT p.* EXCLUDE (message_id), coalesce(p.message_id, k.message_id) AS message_id,
            CASE WHEN p.message_id IS NOT NULL THEN 'inline' WHEN k.paste_hash IS NOT NULL THEN 'kept'
                WHEN p.paste_hash IS NOT NULL THEN 'gone' ELSE 'none' END AS content_state
        FROM prompt_pastes p
        LEFT JOIN (SELECT DISTINCT ON (paste_hash) paste_hash, message_id FROM pastes ORDER BY paste_hash,
            message_id) k USING (paste_hash)
        """,
    ),
)
