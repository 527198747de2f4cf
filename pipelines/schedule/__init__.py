"""Scheduled runs: by the schedulers of operating systems (systemd, launchd, cron, Windows), and by a Prefect flow. It
imports `run` and the rooms below it, and is the only room that imports Prefect.
"""
