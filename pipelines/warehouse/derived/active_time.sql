/*
One row for each quarter of an hour, session and working directory with the working time in it.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- working_directory (text): Working directory of the later of two records, as written.
- quarter_at (instant, required): When the quarter of an hour begins.
- worked_seconds (float, required): Sum of the intervals between records that ended in it, in seconds, without pauses of more than five minutes.
*/
with
    timed as (
        select
            r.home_id,
            r.session_id,
            r.cwd as working_directory,
            r.recorded_at,
            epoch_us(r.recorded_at) - epoch_us(
                lag(r.recorded_at) over (
                    partition by r.home_id, r.session_id order by r.recorded_at, r.file_id, r.byte_offset
                )
            ) as pause
        from records r
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) using (file_id, byte_offset)
        where r.recorded_at is not null
    )
select
    home_id,
    session_id,
    working_directory,
    time_bucket(interval 15 minute, recorded_at) as quarter_at,
    sum(pause)::double / 1000000 as worked_seconds
from timed
where pause <= 300000000
group by all
