"""`extract verify`: one module for each concern. A check reports problems as findings and never raises for them. It
imports `run` and the rooms below it.
"""
