"""`extract export`: sessions as documents in Markdown, HTML and JSON, and an index of them. `read` reads what a
document needs, `contents` says what is in it, and each form has a module. Imports `look`, `warehouse` and `redact`, and
reads only views.
"""
