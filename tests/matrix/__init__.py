"""A quick selection of tests over Pythons, Djangos, databases and brokers: `bin/test matrix`."""
