"""The commands, a module for each: what its arguments are, and how what came of it is shown. They import what they need
only when they are called, so that `--help` imports no engine.
"""
