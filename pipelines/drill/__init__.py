"""`extract drill`: restores everything, compares it, and checks that sessions could be resumed. It imports `restore`
and the rooms below it.
"""
