"""Batches: the executions of one `map`, waited for together, and what runs when all of them have ended."""
