"""The dashboard: one HTML file with charts of everything in the warehouse, written or served on loopback. The room
imports `warehouse`, and reads its views alone. `assets/` holds the page, its scripts and style, and two libraries with
their licences.
"""
