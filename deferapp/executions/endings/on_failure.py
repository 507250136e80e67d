"""The function that a function names to be run when an execution of its own has failed for good."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from django.db import Error

from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.ids import handler_id
from deferapp.functions import registry
from deferapp.models import Execution

logger = logging.getLogger("deferapp.executions")


@dataclass(frozen=True, kw_only=True)
class _Failed(CurrentExecution):
    """The parent of what is enqueued here."""

    def next_child_id(self, function: str, arguments: str) -> UUID:  # noqa: ARG002
        return handler_id(self.id, self.attempt)


def enqueue(failed: Execution) -> None:
    """Enqueue it with the execution, as a child of it and in its transaction: the same child if that is done again.

    An execution that is let run again and fails again is handed on again. A handler that cannot be enqueued is logged:
    the end of the execution must be recorded all the same.
    """
    function = registry.get(failed.function)
    handler = function.config.on_failure if function else None
    if handler is None:
        return
    parent = _Failed(
        id=failed.id,
        function=failed.function,
        attempt=failed.attempt,
        parent_id=failed.parent_id,
        created_at=failed.created_at,
    )
    try:
        with running(parent):
            handler.enqueue(failed)
    except Error:
        raise
    except Exception:
        logger.exception("%s failed, and its on_failure %s cannot be enqueued", failed, handler.name)
