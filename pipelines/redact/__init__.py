"""Secrets and personal data in texts: rules that find them, and masks that replace them. Works on values in memory
only, in time proportional to the text. It imports no other room.
"""
