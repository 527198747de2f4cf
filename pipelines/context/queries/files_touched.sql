select
    t.file_path,
    count(*) filter (t.tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')) as edit_count,
    count(*) filter (t.tool_name not in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')) as other_call_count,
    list_sort(list(distinct t.tool_name)) as tools,
    min(t.called_at) as first_at,
    max(t.called_at) as last_at,
    list(distinct t.session_id)[:10] as session_ids,
    arg_max(address(t.file_id, t.byte_offset, t.byte_length), t.called_at) as last_address
from
    (
        select
            c.*, coalesce(c.input ->> '$.file_path', c.input ->> '$.notebook_path', c.input ->> '$.path') as file_path
        from tool_calls c
        left join sessions s on s.session_id = c.session_id and s.home_id = c.home_id
        where {condition}
    ) t
where t.file_path is not null{path_condition}
group by t.file_path
order by last_at desc nulls last, t.file_path
