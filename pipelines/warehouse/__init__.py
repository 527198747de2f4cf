"""The DuckDB warehouse: the tables that SQL derives, how committed Parquet is loaded, checked and published, and how
it is queried. It imports `archive` and `disk`.
"""
