"""Background and scheduled functions: the objects that stand where the plain functions stood.

Importing this module, declaring and importing a function load no models; enqueueing does.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, Unpack, cast

from asgiref.sync import sync_to_async

from deferapp.exceptions import OptionError, ScheduledFunctionError
from deferapp.functions.config import Config
from deferapp.functions.options import Given, Options

if TYPE_CHECKING:
    from deferapp.executions.batches.batch import Batch
    from deferapp.models.execution import Enqueued, Execution

P = ParamSpec("P")
R = TypeVar("R")


class Declared(Generic[P, R]):
    """A plain function, its name in the ledger, and how it is run."""

    def __init__(self, func: Callable[P, R], name: str, config: Config) -> None:
        self.__name__: str = getattr(func, "__name__", type(func).__name__)
        functools.update_wrapper(self, func)  # type: ignore[arg-type]
        self.func = func
        self.name = name
        self.config = config
        self.assigned = Options()
        self.is_async = inspect.iscoroutinefunction(func)

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.func)

    def options(self, **given: Unpack[Given]) -> Self:
        """A new function object whose executions get these options; this one stays as it is.

        `delay` (a duration from the enqueue, or a date), `discard_after` (the same: it must have started by then),
        `metadata` (up to 25 pairs of printable ASCII strings), `key` (a call with a key that exists gives the execution
        that exists), `concurrency_key` (which of the function's limits it counts under, if it has any). Later options
        win, None takes one back, metadata is replaced whole. Raises `OptionError`, `DurationError`, and `TypeError`
        for an option that there is not.
        """
        other = copy.copy(self)
        other.assigned = self.assigned.merged(**given)
        return other

    @property
    def place(self) -> str:
        """File and line of the plain function."""
        code = getattr(self.func, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else self.func.__module__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def pause(self) -> None:
        """Hold its executions from now on; it goes on accepting them. What runs goes on."""
        from deferapp.executions import pauses

        pauses.pause(self.name)

    async def apause(self) -> None:
        await sync_to_async(self.pause)()

    def resume(self) -> None:
        """Run what was held, all of it."""
        from deferapp.executions import pauses

        pauses.resume(self.name)

    async def aresume(self) -> None:
        await sync_to_async(self.resume)()

    @property
    def is_paused(self) -> bool:
        from deferapp.executions import pauses

        return pauses.is_paused(self.name)


class BackgroundFunction(Declared[P, R]):
    """A function whose calls are enqueued and run by a worker."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Enqueue one execution and return it: at once in sync code, awaited in async code.

        Raises `TypeError` for a wrong signature and `ArgumentError` for a value that cannot travel, before anything
        is written.
        """
        enqueue = self.aenqueue if _in_event_loop() else self.enqueue
        return cast("Enqueued", enqueue(*args, **kwargs))

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Execution:
        """Enqueue one execution from sync code."""
        from deferapp.executions import enqueue

        return enqueue.one(self, args, kwargs)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> Execution:
        """Enqueue one execution from async code."""
        from deferapp.executions import enqueue

        return await enqueue.aone(self, args, kwargs)

    def result(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Enqueue one execution and wait for what it returns: at once in sync code, awaited in async code."""
        return await_result(self)(*args, **kwargs)

    def map(self, values: Iterable[Any]) -> Batch:
        """Enqueue one execution for each value, its only argument; return the `Batch` of their ids, in order.

        `values` is streamed: memory stays flat however many there are. Executions are written in batches, so if a
        value is refused, those of the batches before it are enqueued; inside a transaction none is.
        """
        return self.starmap((value,) for value in values)

    def starmap(self, calls: Iterable[Iterable[Any]]) -> Batch:
        """As `map`, with a tuple of positional arguments for each execution."""
        from deferapp.executions import enqueue

        return enqueue.many(self, calls)

    async def amap(self, values: Iterable[Any] | AsyncIterable[Any]) -> Batch:
        """`map` from async code; `values` may also be an async iterable, such as a queryset."""
        if isinstance(values, AsyncIterable):
            return await self.astarmap((value,) async for value in values)
        return await self.astarmap((value,) for value in values)

    async def astarmap(self, calls: Iterable[Iterable[Any]] | AsyncIterable[Iterable[Any]]) -> Batch:
        """`starmap` from async code, also of an async iterable."""
        from deferapp.executions import enqueue

        return await enqueue.amany(self, calls)


class ScheduledFunction(Declared[P, R]):
    """A function that runs when its schedule is due, and is not called by the app."""

    def __init__(self, func: Callable[P, R], name: str, config: Config, frequency: object, catch_up: str) -> None:
        super().__init__(func, name, config)
        self.frequency = frequency
        self.catch_up = catch_up

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # noqa: ARG002
        raise ScheduledFunctionError(
            f"{self.name} runs when it is due and is not called; {self.__name__}.run_now() runs it at once"
        )

    def run_now(self) -> Execution:
        """Enqueue an execution for now, besides those of the schedule. From sync code."""
        from deferapp.executions import enqueue

        return enqueue.one(self, (), {})

    async def arun_now(self) -> Execution:
        """`run_now` from async code."""
        from deferapp.executions import enqueue

        return await enqueue.aone(self, (), {})


def await_result(function: BackgroundFunction[P, R], timeout: float | None = None) -> Callable[P, Any]:
    """A function that enqueues and waits for the result: awaited in async code, at once in sync code.

    A failed execution raises `ExecutionFailed` with the worker's message and traceback, one that is cancelled,
    aborted or discarded `ExecutionResultNotAvailable`; after `timeout` seconds `ResultTimeout`, and it goes on.
    """

    def in_sync(*args: P.args, **kwargs: P.kwargs) -> Any:
        from deferapp.executions import waiting

        return waiting.wait(function.enqueue(*args, **kwargs), timeout)

    async def in_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        from deferapp.executions import waiting

        return await waiting.await_(await function.aenqueue(*args, **kwargs), timeout)

    return lambda *args, **kwargs: (in_async if _in_event_loop() else in_sync)(*args, **kwargs)


FunctionT = TypeVar("FunctionT", bound=Declared[..., Any])


def assign_options(function: FunctionT, /, **given: Unpack[Given]) -> FunctionT:
    """`function.options(…)`."""
    if not isinstance(function, Declared):
        raise OptionError(f"options are assigned to what defer() makes of a function, not to {function!r:.100}")
    return function.options(**given)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
