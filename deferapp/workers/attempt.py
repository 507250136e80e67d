"""One attempt: load the arguments, call the function, keep the result or the error. It writes nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from celery.exceptions import WorkerShutdown, WorkerTerminate

from deferapp.clock import now
from deferapp.exceptions import ArgumentGone, DeferError, ResultError
from deferapp.executions import failure
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.failure import Failure
from deferapp.executions.values import decode_call, encode_result

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution

ENDS_OF_WORKER: Final = (WorkerShutdown, WorkerTerminate)
"""How Celery ends a worker whose pool is the main thread: not the function's doing, and not to be kept."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """The body was not called: what the execution was about is not there any more."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The body was called, or its arguments cannot be read."""

    started_at: datetime
    ended_at: datetime
    result_json: str | None = None
    failure: Failure | None = None


def make(function: AnyFunction, execution: Execution, current: CurrentExecution) -> Ended | Gone:
    """An attempt of a sync function. Whatever it raises is kept, `SystemExit` too: it would end the worker."""
    started_at = now()
    try:
        args, kwargs = decode_call(execution.arguments_json)
    except DeferError as error:
        return _unreadable(error, started_at)
    except Exception as error:
        return _failed(error, started_at)
    try:
        with running(current):
            value = function.func(*args, **kwargs)
        return _returned(function, value, started_at)
    except ENDS_OF_WORKER:
        raise
    except BaseException as error:
        return _failed(error, started_at)


async def amake(function: AnyFunction, execution: Execution, current: CurrentExecution) -> Ended | Gone:
    """An attempt of an async function."""
    started_at = now()
    try:
        args, kwargs = await sync_to_async(decode_call)(execution.arguments_json)
    except DeferError as error:
        return _unreadable(error, started_at)
    except Exception as error:
        return _failed(error, started_at)
    try:
        with running(current):
            value = await function.func(*args, **kwargs)
        return _returned(function, value, started_at)
    except BaseException as error:
        return _failed(error, started_at)


def _returned(function: AnyFunction, value: Any, started_at: datetime) -> Ended:
    result_json = None if value is None else encode_result(function.name, value)
    return Ended(started_at=started_at, ended_at=now(), result_json=result_json)


def _failed(error: BaseException, started_at: datetime) -> Ended:
    what = failure.of(error, is_permanent=isinstance(error, ResultError))
    return Ended(started_at=started_at, ended_at=now(), failure=what)


def _unreadable(error: DeferError, started_at: datetime) -> Ended | Gone:
    if isinstance(error, ArgumentGone):
        return Gone(reason=str(error))
    return Ended(started_at=started_at, ended_at=now(), failure=failure.of(error, is_permanent=True))
