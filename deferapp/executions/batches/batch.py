"""What `map` returns. Loads no models until something is asked of it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec
from uuid import UUID

from asgiref.sync import sync_to_async

from deferapp.executions.ids import Ids

if TYPE_CHECKING:
    from deferapp.executions.progress import Progress
    from deferapp.functions.function import BackgroundFunction

P = ParamSpec("P")


class Batch(Ids):
    """The ids of the executions that one `map` enqueued, in order, and a handle on all of them.

    `await batch` in async code, and `batch.wait()` in sync code, return its `Progress` when all have ended, in
    whichever way: succeeded, failed for good, cancelled, aborted or discarded.
    """

    def __init__(self, id: UUID, ids: Iterable[UUID] = ()) -> None:
        super().__init__(ids)
        self.id = id
        """What the ledger calls the batch: `Execution.objects.filter(batch=batch.id)`."""

    def wait(self, timeout: float | None = None) -> Progress:
        """Wait until all have ended: noticed within 0.3 s. From sync code.

        Raises `ResultTimeout` after `timeout` seconds, and `DeferError` inside a transaction.
        """
        from deferapp.executions.batches import wait

        wait.wait(self, timeout)
        return self.progress()

    def __await__(self) -> Generator[Any, None, Progress]:
        """`wait` from async code; `asyncio.wait_for(batch, seconds)` limits it."""
        from deferapp.executions.batches import wait

        async def end() -> Progress:
            await wait.await_(self)
            return await self.aprogress()

        return end().__await__()

    def progress(self) -> Progress:
        """How many there are, by state, in one query."""
        from deferapp.executions import progress
        from deferapp.models import Execution, ledger

        return progress.of(Execution.objects.using(ledger()).filter(batch=self.id))

    async def aprogress(self) -> Progress:
        return await sync_to_async(self.progress)()

    def then(self, function: BackgroundFunction[P, Any], *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Enqueue a function with these arguments, once, when all have ended. Returns the id that it will have.

        It happens within seconds of the end, also if all ended before, and whatever becomes of this process; in a
        transaction, if that commits. The same call again, also by a later attempt, is the same hook. What the parent
        enqueues, or retries, after the hook has run does not run it again. Of the function's options, metadata and
        concurrency_key apply; others raise `OptionError`. Raises `ExecutionNotFound` for a batch that was rolled
        back, and what a call of the function does.
        """
        from deferapp.executions.batches import hooks

        return hooks.add(self, function, args, kwargs)

    async def athen(self, function: BackgroundFunction[P, Any], *args: P.args, **kwargs: P.kwargs) -> UUID:
        """`then` from async code."""
        return await sync_to_async(self.then)(function, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<Batch {self.id}: {len(self)}>"
