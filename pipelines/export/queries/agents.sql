select session_id, home_id, agent_id, agent_type, description, tool_use_id, started_at
from subagent_runs
where agent_id is not null
