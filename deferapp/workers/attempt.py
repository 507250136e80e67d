"""One attempt: load the arguments, call the function, keep the result or the error. It writes nothing itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from celery.exceptions import WorkerShutdown, WorkerTerminate

from deferapp import conf
from deferapp.clock import now
from deferapp.exceptions import ArgumentGone, DeferError, ResultError
from deferapp.executions import watchers
from deferapp.executions.current import CurrentExecution, running
from deferapp.executions.endings import failure
from deferapp.executions.endings.errors import judge
from deferapp.executions.endings.failure import Failure
from deferapp.executions.logs.listen import listen
from deferapp.executions.values import decode_call, encode_result
from deferapp.functions.config import Config
from deferapp.workers import bodies
from deferapp.workers.bodies import Body

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution

logger = logging.getLogger("deferapp.workers")

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
    body = Body(function, execution, now(), current.log)
    try:
        args, kwargs = decode_call(execution.arguments_json)
    except Exception as error:
        return _unloadable(error, body)
    listen()
    try:
        with running(current), bodies.entered_in_thread(body), watchers.around(execution):
            value = function.func(*args, **kwargs)
        return _returned(function, value, body)
    except ENDS_OF_WORKER:
        raise
    except BaseException as error:
        return _failed(error, body)


async def amake(function: AnyFunction, execution: Execution, current: CurrentExecution) -> Ended | Gone:
    """An attempt of an async function."""
    body = Body(function, execution, now(), current.log)
    try:
        args, kwargs = await sync_to_async(decode_call)(execution.arguments_json)
    except Exception as error:
        return _unloadable(error, body)
    listen()
    try:
        with running(current), bodies.entered(body), watchers.around(execution):
            value = await function.func(*args, **kwargs)
        return _returned(function, value, body)
    except BaseException as error:
        return _failed(error, body)


def not_recorded(error: Exception, ended: Ended | Gone) -> Ended:
    """The attempt when the ledger has refused what it came to: an internal error, since nothing else can be said."""
    logger.error("The end of an attempt could not be recorded; it has failed", exc_info=error)
    started_at = ended.started_at if isinstance(ended, Ended) else now()
    return Ended(started_at=started_at, ended_at=now(), failure=failure.internal(error))


def _returned(function: AnyFunction, value: Any, body: Body) -> Ended:
    result_json = None if value is None else encode_result(function.name, value)
    if result_json is not None and len(result_json) > conf.current().MAX_RESULT:
        raise ResultError(
            f"The result of {function.name} has {len(result_json):,} bytes as JSON; DEFER['MAX_RESULT'] allows "
            f"{conf.current().MAX_RESULT:,}. Store it, and return what it can be found by."
        )
    return Ended(started_at=body.started_at, ended_at=now(), result_json=result_json)


def _failed(error: BaseException, body: Body) -> Ended:
    why = body.stopped_for or _judged(error, body.function.config)
    return Ended(started_at=body.started_at, ended_at=now(), failure=why)


def _judged(error: BaseException, config: Config) -> Failure:
    verdict = judge(error, retry_on=config.retry_on, give_up_on=config.give_up_on)
    return failure.of(
        error,
        is_permanent=verdict.is_permanent,
        retry_after=verdict.retry_after,
        is_postponed=verdict.is_postponed,
    )


def _unloadable(error: Exception, body: Body) -> Ended | Gone:
    if isinstance(error, ArgumentGone):
        return Gone(reason=str(error))
    why = failure.of(error, is_permanent=isinstance(error, DeferError))
    return Ended(started_at=body.started_at, ended_at=now(), failure=why)
