"""Reading files of every source: the contract, cutting into entries, fields, salvage, rules, registry."""
