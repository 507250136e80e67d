"""What can be done with an execution in hand: methods of `Execution`, those that change it with a twin for async code.

They act on the ledger, by `life`, whatever this copy of the row says, and read the row again afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from asgiref.sync import sync_to_async

from deferapp.exceptions import (
    ExecutionAbortingAlreadyInProgress,
    ExecutionNotCancellable,
    ExecutionNotFound,
    ExecutionNotReschedulable,
)
from deferapp.executions.states import State

if TYPE_CHECKING:
    from uuid import UUID

    from deferapp.durations import When
    from deferapp.executions.progress import Progress
    from deferapp.models.execution import Execution

TRIES: Final = 10
"""How often a cancel is tried while the execution is given back, or fails and is retried, and is claimed again."""


class Handle:
    """The methods; the fields are `Execution`'s."""

    if TYPE_CHECKING:
        id: UUID
        state: str

        def refresh_from_db(self, *args: Any, **kwargs: Any) -> None: ...

    def cancel(self, *, force: bool = False) -> Self:
        """Cancel it if it has not started; with `force`, abort it if it has: it then ends as aborted, soon.

        Raises `ExecutionNotCancellable`, and `ExecutionAbortingAlreadyInProgress` the second time.
        """
        from deferapp.executions import current, life

        current.write_collected()
        movable = {State.CREATED, State.STARTED} if force else {State.CREATED}
        for _ in range(TRIES):
            is_moved = life.cancel(self.id) or (force and life.abort(self.id))
            self._refresh()
            if is_moved:
                return self
            if self.state not in movable:
                break
        if force and self.state == State.ABORTING:
            raise ExecutionAbortingAlreadyInProgress(f"{self} is being aborted already.")
        raise ExecutionNotCancellable(f"{self} is {self.state}. {ExecutionNotCancellable.__doc__}")

    async def acancel(self, *, force: bool = False) -> Self:
        return await sync_to_async(self.cancel)(force=force)

    def reschedule(self, when: When | None = None) -> Self:
        """Let an execution that waits to start, also for a retry, start at another time: now, if none is given.

        `when` is a duration from now or a date; the past means now. If it was to be discarded by then, it is discarded.
        Raises `ExecutionNotReschedulable` if it has started or ended, and `DurationError`.
        """
        from deferapp.executions import again

        is_moved = again.reschedule(self._read(), when)
        self._refresh()
        if not is_moved:
            raise ExecutionNotReschedulable(f"{self} is {self.state}. {ExecutionNotReschedulable.__doc__}")
        return self

    async def areschedule(self, when: When | None = None) -> Self:
        return await sync_to_async(self.reschedule)(when)

    def rerun(self) -> Execution:
        """Enqueue a new execution, whatever became of this one: same function, arguments, metadata and limit, now.

        It is not discarded by time and has no key; its `rerun_of` is this one.
        """
        from deferapp.executions import again

        return again.rerun(self._read())

    async def arerun(self) -> Execution:
        return await sync_to_async(self.rerun)()

    def progress(self) -> Progress:
        """How many children it has, by state, in one query."""
        from deferapp.executions import children

        return children.progress(self.id)

    async def aprogress(self) -> Progress:
        return await sync_to_async(self.progress)()

    def retry_failed_children(self) -> int:
        """Let every child that has failed for good run again, now. Returns how many.

        Each is the same execution as before: its attempts go on in number, and the retry policy counts anew.
        """
        from deferapp.executions import children

        return children.retry_failed(self.id)

    async def aretry_failed_children(self) -> int:
        return await sync_to_async(self.retry_failed_children)()

    def cancel_children(self, *, force: bool = False) -> int:
        """Cancel every child that waits to start; with `force`, abort those that run too. Returns how many.

        Those that the parent enqueues afterwards are not concerned: cancel the parent first.
        """
        from deferapp.executions import children

        return children.cancel(self.id, force=force)

    async def acancel_children(self, *, force: bool = False) -> int:
        return await sync_to_async(self.cancel_children)(force=force)

    @property
    def result(self) -> Any:
        """What its function returned.

        Raises `ExecutionFailed` with the worker's message and traceback, `ExecutionResultNotAvailableYet` before the
        end, and `ExecutionResultNotAvailable` when it ended without having run to its end.
        """
        from deferapp.executions import results

        return results.of(self._read())

    async def aresult(self) -> Any:
        """`result` from async code."""
        from deferapp.executions import results

        return await sync_to_async(lambda: results.of(self._read()))()

    def _read(self) -> Any:
        self._refresh()
        return self

    def _refresh(self) -> None:
        from deferapp.executions import current
        from deferapp.models import Execution, ledger

        current.write_collected()
        try:
            self.refresh_from_db(using=ledger())
        except Execution.DoesNotExist:
            raise ExecutionNotFound(f"There is no execution {self.id}; it may have been pruned.") from None
