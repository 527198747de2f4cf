"""`extract forget`: finds every place that holds the erased content, and writes it anew without it. It imports `run`
and the rooms below it.
"""
