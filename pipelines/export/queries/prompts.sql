select session_id, home_id, prompted_at, prompt_text, byte_offset from user_prompts where not in_transcript
