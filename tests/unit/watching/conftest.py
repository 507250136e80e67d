"""Executions that run where a test stands, without a ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from deferapp.clock import now
from deferapp.executions.current import CurrentExecution, running


@contextmanager
def inside(**fields: Any) -> Iterator[CurrentExecution]:
    """As in the body of an execution."""
    values = {"id": uuid4(), "function": "shop.defer.mail", "attempt": 2, "parent_id": None, "created_at": now()}
    current = CurrentExecution(**{**values, **fields})
    with running(current):
        yield current
