"""Whether all that executions need is there and works: what `manage.py defer doctor` and the health view ask.

Looks only read, and cost little however large the ledger is. `looks.LOOKS` lists them.
"""
