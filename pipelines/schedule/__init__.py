"""Scheduled runs: the Prefect flow and Prefect's settings. It imports `run` and the rooms below it, and is the only
room that imports Prefect.
"""
