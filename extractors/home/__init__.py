"""The only code that opens anything in a home. It can list, read and get the status of files, and nothing else."""
