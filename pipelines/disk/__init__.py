"""Files below the data directory: every path and name (`layout`), writes that a crash cannot leave incomplete, the
writer's lock, settings, and the calls that differ between operating systems. It imports no other room.
"""
