"""Sample homes, made up from nothing, for trying the commands, tests and benchmarks. It imports no other room."""
