"""`extract restore`: what is to be written, where it may be written, and the writing. It imports `run` and the rooms
below it.
"""
