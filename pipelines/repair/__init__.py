"""`extract repair`: mends a damaged archive from whatever still has what was lost, and retires by name what nothing
has. It imports `verify`, `run` and the rooms below them.
"""
