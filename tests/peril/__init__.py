"""An app that kills or freezes a pool child at a chosen SQL statement: between any two of what it does."""
