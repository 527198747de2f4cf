"""The commands, a module for each: which arguments it takes, and how its result is shown. `pipelines.cli.loader` lists
them and imports one when it is called: a module here imports whatever it needs at its top.
"""
