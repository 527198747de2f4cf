"""One run: inventory, snapshot, phases, reading processes, staging, digests, fixity, and the whole job from
extraction to report. It imports `report`, `warehouse`, `archive` and `disk`.
"""
