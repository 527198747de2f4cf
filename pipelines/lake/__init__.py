"""`extract lake`: each machine pushes its committed files to a place that all share, and pulls those of the others.
Imports `copies`, `forget`, `privacy` and the rooms below them.
"""
