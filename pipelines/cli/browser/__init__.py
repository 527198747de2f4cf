"""The terminal browser, `extract browse`: sessions on the left, a conversation on the right. It uses Textual; what it
shows comes from the queries of `look`.
"""
