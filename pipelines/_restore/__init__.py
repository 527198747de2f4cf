"""The steps of a restore: what is to be written, where it may be written, and the writing."""
