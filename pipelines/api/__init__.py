"""`extract serve`: the archive for programs, as an HTTP API on the loopback interface, with its tokens and rate limits.
Imports `context` and the rooms below it, needs the extra `serve`, and is the only room that imports FastAPI.
"""
