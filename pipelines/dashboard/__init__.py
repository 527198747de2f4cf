"""The dashboard: one HTML page with charts of the warehouse, written to a file or served on the loopback interface.
Imports `warehouse` and reads only its views. `assets/` has the page, its scripts and style, and two libraries with
their licences.
"""
