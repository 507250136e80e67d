"""Telling workers that there is work in the ledger: messages name executions and carry nothing else."""
