/*
One row for each version in file-history/ with the path of the file that it is a version of, and how that is known.

refresh: whole

- home_id (text, required): The home.
- session_id (text, required): The session.
- path_hash (text, required): First 16 hex digits of the SHA-256 of the file's absolute path.
- version_number (integer, required): The version, from 1.
- file_path (text): The file's path; NULL where no path is known.
- path_source (text, required): checkpoint (a transcript names this version; the path's hash agrees),
    checkpoint_unproved (it names it, the hash could not be compared), path_hash (a path met elsewhere has this hash),
    or unknown.
- backup_at (instant): When the version was kept, as the transcript says (UTC).
- file_id (integer, required): The version's own file in file-history/.
*/
WITH tracked AS (
    SELECT home_id, session_id, backup_file_name, path_hash, tracking_path, min(backup_at) AS backup_at
    FROM file_checkpoints WHERE backup_file_name IS NOT NULL GROUP BY ALL
), directories AS (
    SELECT DISTINCT home_id, cwd FROM records WHERE cwd IS NOT NULL
), met AS (
    SELECT DISTINCT tracking_path AS path FROM file_checkpoints
    UNION SELECT DISTINCT rtrim(d.cwd, '/\') || CASE WHEN d.cwd LIKE '%\%' THEN '\'
        ELSE '/' END || c.tracking_path
        FROM (SELECT DISTINCT home_id, tracking_path FROM file_checkpoints WHERE NOT regexp_matches(tracking_path,
            '^(/|[A-Za-z]:)')) c
        JOIN directories d USING (home_id)
    UNION SELECT DISTINCT coalesce(input->>'$.file_path', input->>'$.notebook_path', input->>'$.path')
        FROM content_blocks
        WHERE block_type = 'tool_use' AND tool_name IN ('Edit', 'Write', 'Read', 'MultiEdit', 'NotebookEdit')
), candidates AS (
    SELECT substr(sha256(path), 1, 16) AS path_hash, min(path) AS path FROM met WHERE path IS NOT NULL GROUP BY ALL
)
SELECT v.home_id, v.session_id, v.path_hash, v.version_number, v.file_id, t.backup_at,
    coalesce(c.path, t.tracking_path) AS file_path,
    CASE WHEN t.path_hash IS NOT NULL AND c.path IS NOT NULL THEN 'checkpoint'
        WHEN t.path_hash IS NOT NULL THEN 'checkpoint_unproved'
        WHEN c.path IS NOT NULL THEN 'path_hash' ELSE 'unknown' END AS path_source
FROM file_versions v
LEFT JOIN (SELECT home_id, session_id, backup_file_name, any_value(path_hash) AS path_hash,
    min(tracking_path) AS tracking_path,
        min(backup_at) AS backup_at FROM tracked GROUP BY ALL) t
    ON t.home_id = v.home_id AND t.session_id = v.session_id AND t.backup_file_name = v.path_hash || '@v' ||
    v.version_number
LEFT JOIN candidates c ON c.path_hash = v.path_hash
