"""Privacy levels: the rules by which sessions may leave this machine, to which readers, and how they are redacted
first. Imports `warehouse`, `redact` and the rooms below them; `lake`, `publish` and the command line import it.
"""
