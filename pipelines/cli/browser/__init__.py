"""The terminal browser, `extract browse`: sessions on the left, a conversation on the right. It uses Textual; its rows
come from the queries of `look`.
"""
