"""Alerts: what somebody has to hear of when runs happen unattended, by one rule for each kind. The rules are pure
functions of figures; `announce` carries alerts out of the program. Imports `disk` only.
"""
