"""The DuckDB warehouse: loads committed Parquet files, derives further tables with SQL, checks and publishes the
database file, and runs queries on it. Imports `archive` and `disk`.
"""

from pipelines.warehouse.notebook import OpenWarehouse, open_warehouse

__all__ = ["OpenWarehouse", "open_warehouse"]
