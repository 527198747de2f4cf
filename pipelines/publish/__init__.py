"""`extract publish`: the warehouse in a PostgreSQL server, and the tables as a DuckLake catalog. Imports `lake` and the
rooms below it: the projection of a lake decides which rows leave this machine.
"""
