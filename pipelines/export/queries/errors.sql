select session_id, home_id, occurred_at, error_kind, tool_name, text, file_id, byte_offset from errors
