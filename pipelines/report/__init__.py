"""The verification report of a run: its facts, and their Markdown, HTML and JSON. It imports `archive` and `disk`,
and never opens the warehouse.
"""
