"""Reading what is there: each public module is one source of a home, bearing the name that Claude Code gives it."""
