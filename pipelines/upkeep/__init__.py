"""Commands that maintain an archive: rollback, gc, rebuild, import-store. It imports `run` and the rooms below it."""
