"""The commands, one module each: its arguments and how it prints its result. `pipelines.cli.loader` lists the commands
and imports a module when its command is called, so a module here imports everything it needs at its top.
"""
