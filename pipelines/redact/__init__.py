"""Secrets and personal data in texts: rules that find them, and masks that take their place. The room reads and writes
nothing, knows no other room, and takes time in proportion to the text.
"""
