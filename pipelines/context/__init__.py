"""The questions of agents and programs to an archive, for the MCP server and the HTTP API: each question has limits;
its answer has plain JSON values with the addresses of their bytes, masked to a privacy level. Imports `export`, `look`
and the rooms below them, and reads only the published warehouse and the store.
"""
