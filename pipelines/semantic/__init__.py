"""Search by meaning, on this machine alone: vectors of English prose (all-MiniLM-L6-v2, int8), exact search among them.
Needs the extra `semantic`; imports `look` and the rooms below it. `vocab.txt` is the model's vocabulary (Apache-2.0).
"""
