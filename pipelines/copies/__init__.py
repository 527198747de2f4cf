"""`extract copy`: copies of the archive at other places, such as another disk. A place is a directory that has the
files of the archive under their own relative paths. It imports `run` and the rooms below it.
"""
