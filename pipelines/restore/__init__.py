"""`extract restore`: selects files and folders as of a run, checks the target, writes them, and compares them with
their digests. It imports `run` and the rooms below it.
"""
