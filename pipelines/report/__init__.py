"""The verification report of a run: its facts, and their Markdown, HTML and JSON. The room imports `archive` and
`disk`, and never opens the warehouse. `templates/` holds the two forms; a `Document` holds the content once, for both.
"""
