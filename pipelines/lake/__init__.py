"""`extract lake`: machines push what they have committed to a place that they share, and pull what the others have.
Only the room `publish` and the command line import it; no run does, unless `--push` asks for it.
"""
