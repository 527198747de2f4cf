"""The queries of agents and programs, for the MCP server and the HTTP API: each has limits, and answers with JSON
values that have the addresses of their bytes and are masked to a privacy level. Imports `export`, `look` and the rooms
below them, and reads only the published warehouse and the store.
"""
