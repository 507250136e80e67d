"""Declaring functions: what `defer` makes of a plain function, and where all of them are found."""
