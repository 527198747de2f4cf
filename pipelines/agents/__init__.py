"""`extract mcp`: the archive as tools and resources for agents, by the Model Context Protocol. Its answers say that the
texts of transcripts are data. Imports `context` and the rooms below it; the only room that imports the `mcp` package.
"""
