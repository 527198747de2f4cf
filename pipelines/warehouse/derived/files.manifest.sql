select *
from warehouse.manifest
semi join new_runs using (run_id)
union all
-- Of earlier runs, those that the file's own row names.
select *
from warehouse.manifest
anti join new_runs using (run_id)
semi join
    (
        select file_id, unnest([last_run_id, expired_run_id]) as run_id
        from warehouse.files
        semi join touched using (file_id)
    ) using (file_id, run_id)
