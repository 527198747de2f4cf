"""The data types: tables, manifests, runs, findings, messages. No input or output; neither an ORM nor machine
learning.
"""
