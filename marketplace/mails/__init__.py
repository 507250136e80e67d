"""The weekly mail: written, sent once, and ended by whoever no longer wants it or cannot be reached."""
