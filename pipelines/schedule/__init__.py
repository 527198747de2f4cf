"""Runs that start by themselves: the Prefect flow and its settings. It imports `run` and the rooms below it; nothing
but it imports Prefect.
"""
