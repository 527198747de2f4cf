"""`extract publish`: the warehouse in a PostgreSQL server, and the tables as a DuckLake catalog. Imports `lake`, whose
rules say what leaves this machine.
"""
