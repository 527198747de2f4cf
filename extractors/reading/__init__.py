"""How files are read, whatever their source: the contract, cutting into entries, fields, salvage, rules, registry."""
