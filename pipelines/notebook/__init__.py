"""Shared by the notebooks in `notebooks/`: opening the warehouse, querying it, and showing tables and charts of
untrusted text. Needs the extra `notebooks`; imports `warehouse` and `disk`.
"""
