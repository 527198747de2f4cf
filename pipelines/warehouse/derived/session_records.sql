/*
One row for each session of a home with records in transcripts: figures from these records, without copies.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- working_directory (text): Working directory of its first record, as written.
- git_branches (list of text): Branches of its records.
- versions (list of text): Versions of Claude Code that wrote it.
- entrypoint (text): How Claude Code was started for its first record.
- started_at (instant): Time of its first record.
- ended_at (instant): Time of its last record.
- active_seconds (integer, required): Working time in seconds: the time between records, without pauses of more than five minutes.
- record_count (integer, required): Records that count, those of subagents included.
- copied_record_count (integer, required): Copies of other records of the home.
- lost_record_count (integer, required): Records that only an earlier generation of a file has.
- compaction_count (integer, required): Compactions.
- file_ids (list of integer, required): The files with its records.
- main_file_ids (list of integer, required): Of these, its own transcripts, without those of subagents.
*/
with
    rewritten as (select distinct home_id, session_id from record_copies where reason = 'superseded'),
    identified as (
        select
            r.home_id,
            r.session_id,
            r.file_id,
            r.byte_offset,
            concat_ws(
                ' ',
                r.uuid,
                r.record_type,
                r.subtype,
                r.recorded_at,
                r.api_message_id,
                r.message_id,
                coalesce(b.tool_use_id, b.message_id, b.block_type),
                case when r.uuid is null then r.byte_length end
            ) as identity,
            c.reason is not distinct from 'superseded' as is_superseded
        from records r
        join rewritten w on w.home_id = r.home_id and w.session_id is not distinct from r.session_id
        left join content_blocks b on b.file_id = r.file_id and b.byte_offset = r.byte_offset and b.block_number = 0
        left join record_copies c on c.file_id = r.file_id and c.byte_offset = r.byte_offset
    ),
    lost as (
        select i.home_id, i.session_id, count(*) as records
        from identified i
        anti join
            (from identified where not is_superseded) s
            on s.home_id = i.home_id
            and s.session_id is not distinct from i.session_id
            and s.identity = i.identity
        where i.is_superseded
        group by all
    ),
    marked as (
        select r.*, c.reason, coalesce(c.is_copy_in_home, false) as is_left_out
        from records r
        left join record_copies c using (file_id, byte_offset)
    ),
    worked as (
        select home_id, session_id, sum(worked_seconds::decimal(18, 6)) as active_seconds from active_time group by all
    )
select
    m.home_id,
    m.session_id,
    arg_min(
        m.cwd,
        {
            'is_agent':m.agent_id is not null,
            'at':coalesce(m.recorded_at, timestamptz '9999-01-01 00:00:00+00'),
            'offset':m.byte_offset,
            'file_id':m.file_id
        }
    ) filter (m.cwd is not null and m.reason is distinct from 'superseded') as working_directory,
    list_sort(
        list(distinct m.git_branch) filter (m.git_branch not in ('', 'HEAD') and not m.is_left_out)
    ) as git_branches,
    list_sort(list(distinct m.version) filter (m.version is not null and not m.is_left_out)) as versions,
    arg_min(m.entrypoint, {'at':m.recorded_at, 'offset':m.byte_offset, 'file_id':m.file_id}) filter (
        m.entrypoint is not null and m.reason is distinct from 'superseded'
    ) as entrypoint,
    min(m.recorded_at) filter (m.reason is distinct from 'superseded') as started_at,
    max(m.recorded_at) filter (m.reason is distinct from 'superseded') as ended_at,
    coalesce(any_value(w.active_seconds), 0)::bigint as active_seconds,
    count(*) filter (not m.is_left_out) as record_count,
    count(*) filter (m.is_left_out and m.reason = 'copy') as copied_record_count,
    coalesce(any_value(l.records), 0) as lost_record_count,
    count(*) filter (
        not m.is_left_out and m.record_type = 'system' and m.subtype in ('compact_boundary', 'microcompact_boundary')
    ) as compaction_count,
    list_sort(list(distinct m.file_id)) as file_ids,
    coalesce(list_sort(list(distinct m.file_id) filter (m.agent_id is null)), []) as main_file_ids
from marked m
left join worked w on w.home_id = m.home_id and w.session_id is not distinct from m.session_id
left join lost l on l.home_id = m.home_id and l.session_id is not distinct from m.session_id
group by m.home_id, m.session_id
