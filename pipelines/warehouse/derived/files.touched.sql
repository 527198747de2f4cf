with named as (select file_id, home_id, path from manifest semi join new_runs using (run_id) where file_id is not null)
select file_id
from named
union
select file_id
from files
semi join named using (home_id, path)
