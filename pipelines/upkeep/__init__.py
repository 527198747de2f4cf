"""Commands that keep an archive in order: rollback, gc, rebuild, import-store. It imports `run` and the rooms below
it.
"""
