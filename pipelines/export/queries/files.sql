select
    session_id,
    home_id,
    file_path,
    coalesce(bool_or(is_new), false) as is_new,
    count(*) as edits,
    sum(lines_added)::bigint as added,
    sum(lines_removed)::bigint as removed
from file_edits
where file_path is not null and not is_copy
group by session_id, home_id, file_path
