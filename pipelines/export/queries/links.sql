select session_id, home_id, link_kind, linked_session_id from session_links
