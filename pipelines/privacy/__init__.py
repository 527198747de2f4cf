"""Privacy levels: which sessions may leave this machine, to whom, and how they are redacted before. Imports
`warehouse`,
`redact` and the rooms below them; `lake`, `publish` and the command line import it.
"""
