"""`extract forget`: finds every file below the data directory with the content to erase, and rewrites it without that
content. It imports `run` and the rooms below it.
"""
