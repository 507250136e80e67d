"""An app with one function, which is in the project or not."""
