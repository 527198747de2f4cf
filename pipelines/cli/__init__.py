"""The command line: parses arguments, calls the other packages, prints results, sets exit codes. May import every
room.
"""
