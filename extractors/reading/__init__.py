"""The machinery that reads a file of any source: the contract of a source, cutting into entries, taking fields, salvage
of damaged lines, the rules of which files are read, the registry of sources. Imports `home` and `models`."""
