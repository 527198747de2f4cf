/*
One row for each archived file and generation; every row's file_id joins it.

refresh: file_id
inputs: materialized

- file_id (integer, required): The file in this generation.
- home_id (text, required): The home.
- path (text, required, distinct): Path below the home, unprintable bytes escaped.
- source (text, required): The source.
- phase (integer, required): The phase.
- entry_type (text, required): file, directory or link.
- generation (integer, required): From 1, plus one each time its earlier content was replaced.
- state (text, required): present; expired (gone from the home); superseded (replaced by a later generation).
- size (integer, required): Size in bytes at the last run that found it.
- watermark (integer): How far it was read as complete entries, in bytes.
- modified_at (instant, required): Modification time at that run (UTC).
- sha256 (text, distinct): SHA-256 of its last archived bytes.
- first_run_id (text): The run that first read this generation.
- last_run_id (text, required): The last run that found it.
- expired_run_id (text): The first run that found it gone.
*/
with
    ordered as not materialized(
        select m.*, r.epoch from manifest m join runs r using (run_id) where m.file_id is not null
    ),
    newest as (
        select home_id, path_bytes, arg_max(file_id, {'epoch':epoch, 'generation':generation}) as file_id
        from ordered
        group by all
    ),
    seen as (
        -- A file deleted right after it was read has only the row with its deletion.
        select *
        from ordered
        qualify row_number() over (partition by file_id order by outcome in ('expired', 'missing'), epoch desc) = 1
    ),
    gone as (
        select file_id, min(epoch) as epoch, arg_min(run_id, epoch) as run_id
        from ordered o
        where
            outcome in ('expired', 'missing')
            and not exists (
                select 1
                from ordered p
                where p.file_id = o.file_id and p.epoch > o.epoch and p.outcome not in ('expired', 'missing')
            )
        group by all
    )
select
    s.*,
    s.run_id as last_run_id,
    g.run_id as expired_run_id,
    case
        when n.file_id is distinct from s.file_id
        then 'superseded'
        when g.file_id is not null
        then 'expired'
        else 'present'
    end as state
from seen s
join newest n on n.home_id = s.home_id and n.path_bytes = s.path_bytes
left join gone g on g.file_id = s.file_id
order by s.home_id, s.path, s.generation
