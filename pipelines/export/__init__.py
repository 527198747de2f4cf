"""`extract export`: sessions as documents in Markdown, HTML and JSON, and an index of them. `read` queries the rows of
a document, `contents` composes its content, and each format has a module. Imports `look`, `warehouse` and `redact`, and
reads only views.
"""
