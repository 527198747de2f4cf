/*
One row for each tool call, joined with its result and with the file of a long result in tool-results/; and for each result
without a call in any transcript. `tool_calls` adds the input.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, if the file is a subagent's.
- tool_use_id (text, distinct): Id of the call.
- tool_name (text): The tool; NULL for a result without a call.
- called_at (instant): Time of the calling record.
- returned_at (instant): Time of the record with the result.
- has_call (flag, required): Whether a call was found.
- has_result (flag, required): Whether a result was found.
- is_error (flag): Whether the result is marked as an error.
- result_message_id (text, distinct): The result's text, of several the first: joins `messages`.
- result_bytes (integer): Length of the result's texts in bytes.
- spilled_message_id (text, distinct): The text spilled to tool-results/: joins `messages`.
- api_message_id (text): The response that made the call.
- model (text): The model that called.
- working_directory (text): Working directory of the call, as written.
- is_copy_in_home (flag, required): Whether another row of the same home represents the call.
- is_copy (flag, required): Whether another row represents it when homes are taken together.
- home_ids (list of text): The homes that have the call.
- file_id (integer, required): The file of the call; of the result if there is no call.
- byte_offset (integer, required): Offset of the calling record.
- byte_length (integer, required): Its length.
- block_number (integer, required): The block of that record, from 0.
- result_file_id (integer): The file of the result.
- result_byte_offset (integer): Offset of the record with the result.
- result_byte_length (integer): Its length.
*/
with
    -- A session that goes on in a copy has the result there, and the call in both: that call is counted in its
    -- original.
    copied_calls as (
        select c.home_id, c.session_id, b.tool_use_id, min(c.original_session_id) as original_session_id
        from content_blocks b
        join record_copies c using (file_id, byte_offset)
        where
            c.reason = 'copy'
            and c.is_copy_in_home
            and c.original_session_id <> c.session_id
            and b.block_type in ('tool_use', 'server_tool_use', 'mcp_tool_use')
            and b.tool_use_id is not null
        group by all
    ),
    blocks as (
        select
            b.home_id,
            b.session_id,
            b.agent_id,
            b.block_number,
            b.parent_block,
            b.block_type,
            coalesce(b.tool_use_id, b.rest ->> '$.tool_use_id') as tool_use_id,
            b.tool_name,
            b.recorded_at,
            b.is_error,
            b.message_id,
            b.text_bytes,
            b.api_message_id,
            b.model,
            b.file_id,
            b.byte_offset,
            b.byte_length,
            b.block_type in ('tool_use', 'server_tool_use', 'mcp_tool_use') as is_call,
            coalesce(k.original_session_id, b.session_id) as call_session_id,
            c.original_file_id,
            c.original_byte_offset
        from content_blocks b
        left join record_copies c using (file_id, byte_offset)
        left join
            copied_calls k on k.home_id = b.home_id and k.session_id = b.session_id and k.tool_use_id = b.tool_use_id
        where
            not coalesce(c.is_copy_in_home, false)
            and (
                b.block_type in ('tool_use', 'server_tool_use', 'mcp_tool_use')
                or b.block_type = 'tool_result'
                or b.block_type like '%_tool_result'
            )
            and (b.parent_block is null or b.block_type = 'tool_use')
    ),
    -- Gateways repeat the ids of calls in each response: the first result with an id belongs to the first such call.
    repeated_ids as (
        select tool_use_id from blocks where tool_use_id is not null group by tool_use_id, is_call having count(*) > 1
    ),
    numbered as (
        select b.*, 1 as use_number
        from blocks b
        anti join repeated_ids using (tool_use_id)
        where b.tool_use_id is not null
        union all
        select
            b.*,
            row_number() over (
                partition by b.home_id, b.call_session_id, b.tool_use_id, b.is_call
                order by b.recorded_at, b.file_id, b.byte_offset, b.block_number
            )
        from blocks b
        semi join repeated_ids using (tool_use_id)
    ),
    calls as (
        select *
        from numbered
        where is_call
        union all
        select *, null
        from blocks
        where is_call and tool_use_id is null
    ),
    results as (select * from numbered where not is_call),
    nested as (
        select
            file_id,
            byte_offset,
            parent_block,
            arg_min(message_id, block_number) as message_id,
            sum(text_bytes) as text_bytes
        from content_blocks
        where parent_block is not null and message_id is not null
        group by all
    ),
    spilled as (
        select home_id, session_id, tool_use_id, min(message_id) as message_id
        from spilled_results
        where tool_use_id is not null
        group by all
    ),
    paired as (
        select
            coalesce(c.home_id, r.home_id) as home_id,
            coalesce(c.session_id, r.session_id) as session_id,
            coalesce(c.agent_id, r.agent_id) as agent_id,
            coalesce(c.tool_use_id, r.tool_use_id) as tool_use_id,
            c.tool_name,
            c.recorded_at as called_at,
            r.recorded_at as returned_at,
            c.file_id is not null as has_call,
            r.file_id is not null as has_result,
            r.is_error,
            r.message_id as result_message_id,
            r.text_bytes as result_bytes,
            c.api_message_id,
            c.model,
            c.original_file_id,
            c.original_byte_offset,
            coalesce(c.file_id, r.file_id) as file_id,
            coalesce(c.byte_offset, r.byte_offset) as byte_offset,
            coalesce(c.byte_length, r.byte_length) as byte_length,
            coalesce(c.block_number, r.block_number) as block_number,
            r.file_id as result_file_id,
            r.byte_offset as result_byte_offset,
            r.byte_length as result_byte_length,
            r.block_number as result_block,
            coalesce(r.session_id, c.session_id) as result_session_id
        from calls c
        full join
            results r
            on r.home_id = c.home_id
            and r.call_session_id is not distinct from c.call_session_id
            and r.tool_use_id = c.tool_use_id
            and r.use_number = c.use_number
    ),
    detailed as (
        select
            p.* exclude (result_message_id, result_bytes, result_block, result_session_id),
            coalesce(p.result_message_id, n.message_id) as result_message_id,
            coalesce(p.result_bytes, n.text_bytes)::bigint as result_bytes,
            s.message_id as spilled_message_id,
            r.cwd as working_directory,
            r.request_id
        from paired p
        left join
            nested n
            on n.file_id = p.result_file_id
            and n.byte_offset = p.result_byte_offset
            and n.parent_block = p.result_block
        left join
            spilled s on s.home_id = p.home_id and s.session_id = p.result_session_id and s.tool_use_id = p.tool_use_id
        left join records r on r.file_id = p.file_id and r.byte_offset = p.byte_offset
    ),
    keyed as (
        select
            *,
            case
                when has_call and tool_use_id is not null and api_message_id <> '' and request_id <> ''
                then concat_ws(' ', tool_use_id, api_message_id, request_id)
                else
                    concat_ws(
                        ' ',
                        coalesce(original_file_id, file_id),
                        coalesce(original_byte_offset, byte_offset),
                        block_number
                    )
            end as call_key
        from detailed
    ),
    repeated_keys as (select call_key from keyed group by call_key having count(*) > 1)
select *, false as is_copy_in_home, false as is_copy, [home_id] as home_ids
from keyed
anti join repeated_keys using (call_key)
union all
select
    *,
    row_number() over (
        partition by call_key, home_id order by has_result desc, agent_id is null desc, called_at, file_id, byte_offset
    )
    > 1,
    row_number() over (
        partition by call_key
        order by has_result desc, original_file_id is null desc, agent_id is null desc, called_at, file_id, byte_offset
    )
    > 1,
    list_sort(list_distinct(list(home_id) over (partition by call_key)))
from keyed
semi join repeated_keys using (call_key)
