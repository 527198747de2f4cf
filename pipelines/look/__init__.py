"""Queries for people: lists of sessions, a conversation, full-text search, usage. Reads only the views of the
warehouse, does no calculation of its own, and imports `warehouse` and the rooms below it. `follow` alone reads a home:
the transcript of a running session.
"""
