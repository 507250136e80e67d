"""Random faults at random times against workers and beats under load, and a count of what the outside world saw.

    bin/test chaos --seed 1 --minutes 5

is a program of its own, and not a test of pytest's: see `tests.chaos.program`. It is also an app, of the functions that
the load is made of.
"""
