"""Readers of a home's files: each module is one source, named as Claude Code names it; `reading`, `transcripts` and
`home` are their machinery. It imports `models` only."""
