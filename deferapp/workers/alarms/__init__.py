"""Looks at what can go wrong besides failures, by the worker that keeps house: each opens its alert and closes it."""
