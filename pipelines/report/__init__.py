"""The verification report of a run: its facts, and their Markdown, HTML and JSON. The room imports `archive` and
`disk`, and never opens the warehouse. `templates/` has the templates of both forms; a `Document` has their common
content.
"""
