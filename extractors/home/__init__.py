"""The only code that opens anything in a home; it can list, read and look, and nothing else."""
