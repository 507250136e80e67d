"""What people look at to see how the work goes: the overview, the page of a function, and the charts on both.

Everything is read from the database, by a number of queries that does not grow with what there is, and no broker is
asked: the pages are there when nothing else is.
"""
