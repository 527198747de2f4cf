"""The committed archive: commit records, homes, manifests, the store of pieces, and selections of files as of a run. It
imports `disk` only.
"""
