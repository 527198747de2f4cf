select c.* exclude (words, message_id, result_message_id), t.tool_use_id, t.returned_at
from conversation c
left join tool_call_results t using (file_id, byte_offset, block_number)
