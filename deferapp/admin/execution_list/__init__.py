"""The list of executions: its pages by cursor, its filters, and what is done to many of them at once."""
