"""Which database holds the ledger."""

from __future__ import annotations

from django.db import router

from deferapp.models.execution import Execution


def ledger() -> str:
    """The alias of the database that the ledger is written to, as the project's routers say."""
    return router.db_for_write(Execution)
