"""Alerts: the problems that unattended runs report to a person, by one rule for each kind. The rules are pure functions
of figures; `announce` sends alerts to the desktop or to a command of the user. It imports `disk` only.
"""
