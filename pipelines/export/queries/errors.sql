select session_id, home_id, occurred_at, error_kind, tool_name, words, message_id, file_id, byte_offset
from errors_outline
