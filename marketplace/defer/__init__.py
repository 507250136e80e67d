"""The background functions: one a file, named after it."""
