/*
One row for each record of whose body another derived table needs a part: that table reads it here, so that a load reads the bodies of
all records once and not once for each of these tables.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, where the file is one's.
- file_id (integer, required): The record's file.
- byte_offset (integer, required): Its offset.
- agent_type (text): The kind of agent that a record of a subagent names.
- queued_uuid (text): Of a prompt that waited in the queue: the record that it became.
- is_queued_meta (flag): Whether such a prompt is no person's.
- stated_cost_usd (float): The cost of the response in US dollars, as a gateway states it.
- result_type (text): Of the result of a call that edits a file: create or update.
- result_patch (json): The patch that such a result states.
- task_id (text): The task that the result of a call names.
- task_subject (text): Its subject.
- task_status (text): The status that it got.
- agent_tokens (integer): Of the result of a call that started a subagent: the tokens that it states.
- agent_call_count (integer): The tool calls that it states.
- agent_ms (integer): The duration that it states, in milliseconds.
- agent_usage (json): The usage that it states.
- was_denied (flag): Of the result of a failed call: whether its text or its record says that a person or a rule refused the call.
- error_kind (text): Of a record of an error, a refusal or a hook that failed: its kind, as `errors` has it.
- error_text (text): Its text, where a message does not have it.
- error_status (text): The HTTP status.
- error_model_from (text): The model that was asked.
- error_model_to (text): The model that answered instead.
*/
with
    results as (
        select
            result_file_id as file_id,
            result_byte_offset as byte_offset,
            bool_or(tool_name in ('Task', 'Agent')) as is_agent
        from tool_call_results
        where
            tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit', 'TaskCreate', 'TaskUpdate', 'Task', 'Agent')
            and has_result
        group by all
    ),
    -- Materialized: the planner would push the pattern into the scan, and so read every text.
    error_texts as materialized(
        select message_id, text
        from message_texts
        semi join (select result_message_id as message_id from tool_call_results where is_error) using (message_id)
    ),
    denials as (select message_id from error_texts where is_denial(text)),
    failed as (
        select
            result_file_id as file_id,
            result_byte_offset as byte_offset,
            bool_or(result_message_id in (from denials)) as is_denial
        from tool_call_results
        where is_error
        group by all
    ),
    bodies as (
        select
            r.home_id,
            r.session_id,
            r.agent_id,
            r.file_id,
            r.byte_offset,
            r.body,
            coalesce(r.record_type = 'attachment' and r.subtype = 'queued_command', false) as is_queued,
            r.record_type = 'assistant' and r.request_id is null as may_state_cost,
            not e.is_agent as is_result,
            e.is_agent,
            f.is_denial,
            r.record_type = 'system' as is_system,
            case
                when r.record_type = 'assistant' and r.is_api_error
                then 'api_error'
                when
                    r.record_type = 'system'
                    and r.subtype
                    in ('api_error', 'model_refusal_no_fallback', 'model_consent_fallback', 'agents_killed')
                then r.subtype
                when r.record_type = 'attachment' and r.subtype in ('hook_blocking_error', 'hook_non_blocking_error')
                then r.subtype
            end as error
        from records r
        left join results e using (file_id, byte_offset)
        left join failed f using (file_id, byte_offset)
    ),
    needed as (
        select
            * exclude (body, is_queued, may_state_cost, is_result, is_agent, is_denial),
            case
                when error is not null
                then
                    body ->> [
                        '$.error',
                        '$.error.status',
                        '$.retryInMs',
                        '$.apiErrorStatus',
                        '$.error.formatted',
                        '$.error.message',
                        '$.cause.code',
                        '$.attachment.blockingError.blockingError',
                        '$.attachment.stderr',
                        '$.attachment.stdout',
                        '$.apiRefusalExplanation',
                        '$.originalModel',
                        '$.fallbackModel'
                    ]
            end as failure,
            case
                when is_result
                then
                    body ->> [
                        '$.toolUseResult.type',
                        '$.toolUseResult.structuredPatch',
                        '$.toolUseResult.task.id',
                        '$.toolUseResult.task.subject',
                        '$.toolUseResult.statusChange.to'
                    ]
            end as result,
            case
                when is_agent
                then
                    body ->> [
                        '$.toolUseResult.totalTokens',
                        '$.toolUseResult.totalToolUseCount',
                        '$.toolUseResult.totalDurationMs',
                        '$.toolUseResult.usage'
                    ]
            end as agent,
            case when is_queued then body ->> ['$.attachment.source_uuid', '$.attachment.isMeta'] end as queued,
            case
                when agent_id is not null and contains(body, '"attributionAgent"') then body ->> '$.attributionAgent'
            end as agent_type,
            case
                when may_state_cost and contains(body, '"x_anthropic_cost_usd"')
                then try_cast(body ->> '$.message.usage.x_anthropic_cost_usd' as double)
            end as stated_cost_usd,
            case
                when is_denial
                then true
                when is_denial is not null
                then contains(body, '"toolDenialKind"') and (body ->> '$.toolDenialKind') is not null
            end as was_denied
        from bodies
        where
            is_queued
            or is_result is not null
            or agent_id is not null
            or may_state_cost
            or is_denial is not null
            or error is not null
    )
select
    *,
    queued[1] as queued_uuid,
    queued[2] = 'true' as is_queued_meta,
    result[1] as result_type,
    result[2] as result_patch,
    result[3] as task_id,
    result[4] as task_subject,
    result[5] as task_status,
    try_cast(agent[1] as bigint) as agent_tokens,
    try_cast(agent[2] as bigint) as agent_call_count,
    try_cast(agent[3] as bigint) as agent_ms,
    agent[4]::json as agent_usage,
    case
        error
        when 'model_refusal_no_fallback'
        then 'model_refusal'
        when 'model_consent_fallback'
        then 'model_fallback'
        when 'hook_blocking_error'
        then 'hook_blocked'
        when 'hook_non_blocking_error'
        then 'hook_failed'
        when 'api_error'
        then
            case
                when is_system and failure[2] = '429'
                then 'rate_limit'
                when is_system and failure[3] is not null
                then 'retry'
                when not is_system and (failure[1] = 'rate_limit' or failure[4] = '429')
                then 'rate_limit'
                else error
            end
        else error
    end as error_kind,
    coalesce(
        failure[5], failure[6], failure[7], failure[8], nullif(failure[9], ''), failure[10], failure[11], failure[1]
    ) as error_text,
    coalesce(failure[2], failure[4]) as error_status,
    failure[12] as error_model_from,
    failure[13] as error_model_to
from needed
