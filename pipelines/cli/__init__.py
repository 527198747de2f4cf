"""The command line: arguments in, calls, output, exit codes. It may import every room."""
