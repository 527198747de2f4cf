/*
A session in order: one row for each text, for each tool call with its result, and for each event. Select one session, ORDER BY position.
Records copied from another session are included, because they are part of this one.

- home_id: The home.
- session_id: The session.
- position: The number of the row in the session, from 1.
- said_at: Time of the record.
- speaker: person, claude, subagent, tool (a result without a call), claude_code, teammate, schedule or hook.
- kind: prompt, command, shell, context, notice, message, task (of a subagent); answer, thinking; call; result; summary (of a
    compaction); event.
- text: The text: `words`, else the text of `message_id`.
- words: Of a prompt the person's own words, of an event its description.
- message_id: The first text of the record or block as it was written: joins `messages`.
- tool_name: The tool.
- tool_input: The call's input, as JSON.
- result_text: The result's text.
- result_message_id: It joins `messages`.
- is_error: Whether the result is an error.
- is_abandoned: Whether the conversation was rewound to before it.
- agent_id: The subagent, if the record is a subagent's.
- model: The model that answered.
- output_tokens: Tokens of the response, at the first of its rows.
- is_copy: Whether it is a copy: another session has it too, and counts it.
- block_number: The block of the record, from 0; -1 for a record as a whole. Of a call it joins `tool_calls`, with file and offset.
- file_id: The file of the record.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
- tool_use_id: Of a call or its result, the id of the call.
- returned_at: Of a call, the time of the record with the result.
*/
select
    o.home_id,
    o.session_id,
    o.position,
    o.said_at,
    o.speaker,
    o.kind,
    coalesce(o.words, said.text) as text,
    o.words,
    o.message_id,
    o.tool_name,
    b.input as tool_input,
    returned.text as result_text,
    o.result_message_id,
    o.is_error,
    o.is_abandoned,
    o.agent_id,
    o.model,
    o.output_tokens,
    o.is_copy,
    o.block_number,
    o.file_id,
    o.byte_offset,
    o.byte_length,
    o.tool_use_id,
    o.returned_at
from conversation_outline o
left join message_texts said on said.message_id = o.message_id
left join message_texts returned on returned.message_id = o.result_message_id
left join
    content_blocks b
    on b.file_id = case when o.kind = 'call' then o.file_id end
    and b.byte_offset = o.byte_offset
    and b.block_number = o.block_number
