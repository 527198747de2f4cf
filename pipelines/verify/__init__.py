"""`extract verify`: one module for each concern; no check raises for what it finds. It imports `run` and the rooms
below it.
"""
