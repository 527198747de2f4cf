"""`extract repair`: mends a damaged archive from second copies, copies of the data directory, and the homes; lists by
name the bytes that it finds nowhere. It imports `verify`, `run` and the rooms below them.
"""
