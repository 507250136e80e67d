"""Measuring deferapp on one machine, with real servers, workers and rows: see `python -m benchmarks --help`."""
