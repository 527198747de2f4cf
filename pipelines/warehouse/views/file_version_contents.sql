/*
Each version of each edited file with its path, content and time.
*/
select v.*, p.file_path, p.path_source, p.backup_at
from file_versions v
join file_version_paths p on p.file_id = v.file_id
