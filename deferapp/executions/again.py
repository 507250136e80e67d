"""An execution at another time: one that waits is rescheduled, and any is re-run as a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deferapp import clock, conf
from deferapp.dispatch import publish
from deferapp.durations import When, as_moment
from deferapp.executions import enqueue, life
from deferapp.executions.current import current_execution
from deferapp.executions.ids import new_id, rerun_id
from deferapp.models import Execution

if TYPE_CHECKING:
    from uuid import UUID


def reschedule(execution: Execution, when: When | None) -> bool:
    """Let it start when said, at once for None and the past. False if it does not wait to start."""
    now = clock.now()
    due_at = now if when is None else max(now, as_moment(when, now))
    is_due = due_at == now
    dispatch_at = now + conf.republish_after() if is_due else due_at
    if not life.reschedule(execution.id, due_at=due_at, dispatch_at=dispatch_at):
        return False
    if is_due:
        publish.on_commit(execution.function, [execution.id])
    return True


def rerun(execution: Execution, *, wish: str = "") -> Execution:
    """Enqueue a new execution that does the same, now; for one `wish` one, however often it is asked for."""
    parent = current_execution()
    moment = clock.ordered_now()
    rerun = Execution(
        id=rerun_id(execution.id, wish) if wish else _id(execution),
        function=execution.function,
        arguments_json=execution.arguments_json,
        metadata=execution.metadata,
        limit_key=execution.limit_key,
        rerun_of_id=execution.id,
        parent_id=parent.id if parent else None,
        created_at=moment,
        due_at=moment,
        dispatch_at=moment + conf.republish_after(),
    )
    enqueue.write([rerun])
    return rerun


def _id(execution: Execution) -> UUID:
    """Inside a running function that of a child, so that its next attempt meets the re-run that it has made."""
    parent = current_execution()
    return parent.next_child_id(execution.function, f"re-run of {execution.id}") if parent else new_id()
