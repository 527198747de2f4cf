"""`python -m pipelines`: the command line under a name that no other program has."""

from pipelines.cli.app import main

main()
