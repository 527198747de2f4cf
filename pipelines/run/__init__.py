"""A run: inventory and snapshot of the homes, the phases, worker processes, staging, digest indexes, fixity, and the
whole sequence from extraction to report. Imports `report`, `warehouse`, `archive` and `disk`.
"""
