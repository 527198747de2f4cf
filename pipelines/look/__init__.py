"""Answers for people who look: sessions, a conversation, usage. The room reads the views of the warehouse and nothing
else, counts nothing by itself, and imports `warehouse` and the rooms below it.
"""
