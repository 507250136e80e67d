"""Hearing from Celery's signals when a task of the project begins and ends, in the process that runs it.

A receiver notes what it hears in memory, which takes some microseconds; `write` brings it to the ledger. Celery logs a
receiver that fails and goes on. Honest limits: a process that is killed takes along what it has noted in the last
second, and the failure of a task by the death of its process is heard, without a duration, from the worker's main
process. What a task calls in its own process (`task.apply`, eager mode) is part of it and is not heard.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from celery import signals, states
from celery.exceptions import Ignore, Reject

from deferapp.clock import now
from deferapp.executions.current import current_execution
from deferapp.executions.endings import failure
from deferapp.executions.endings.failure import Failure
from deferapp.functions import registry
from deferapp.models import ObservedFailure, TallyOutcome
from deferapp.observe import names
from deferapp.observe.write import Seen, writer
from deferapp.tallies.ends import End

SENT_AT: Final = "deferapp_sent_at"
SENT_BY: Final = "deferapp_sent_by"
"""Headers that messages of observed tasks get."""
MOST: Final = 10_000
"""Tasks whose end is waited for, or remembered: one whose end does not come, and one whose end comes twice."""


@dataclass(kw_only=True)
class _Run:
    """A task that runs here."""

    started_at: datetime
    begun: float
    failure: Failure | None = None
    is_retried: bool = False


_running: OrderedDict[str, _Run] = OrderedDict()
_told: OrderedDict[tuple[str, int], None] = OrderedDict()


def install() -> None:
    """In every process: who enqueues says when, and who it is."""
    signals.before_task_publish.connect(_on_publish, weak=False, dispatch_uid="deferapp.observe")


def install_in_worker() -> None:
    for signal, receiver in (
        (signals.task_prerun, _on_prerun),
        (signals.task_postrun, _on_postrun),
        (signals.task_failure, _on_failure),
        (signals.task_retry, _on_retry),
        (signals.task_revoked, _on_revoked),
    ):
        signal.connect(receiver, weak=False, dispatch_uid="deferapp.observe")
    for signal in (signals.worker_process_shutdown, signals.worker_shutdown):
        signal.connect(_on_shutdown, weak=False, dispatch_uid="deferapp.observe")


def _on_publish(sender: Any = None, headers: Any = None, **_kwargs: Any) -> None:
    if isinstance(headers, dict) and names.is_wanted(str(sender)) and registry.get(str(sender)) is None:
        headers[SENT_AT] = now().isoformat()
        if current := current_execution():
            headers[SENT_BY] = str(current.id)


def _is_observed(task: Any) -> bool:
    return names.is_wanted(task.name) and not task.request.is_eager and registry.get(task.name) is None


def _on_prerun(sender: Any, task_id: str, **_kwargs: Any) -> None:
    if _is_observed(sender):
        _running[task_id] = _Run(started_at=now(), begun=time.monotonic())
        if len(_running) > MOST:
            _running.popitem(last=False)


def _on_failure(sender: Any, task_id: str, exception: BaseException, **_kwargs: Any) -> None:
    """Before the end, in the process that runs it; without an end, in the main process when that one has died."""
    if run := _running.get(task_id):
        run.failure = failure.of(exception)
    elif _is_observed(sender):
        _tell(sender.name, task_id, None, TallyOutcome.FAILED, None, failure.of(exception))


def _on_retry(request: Any, reason: Any, **_kwargs: Any) -> None:
    if run := _running.get(request.id):
        run.failure, run.is_retried = failure.of(getattr(reason, "exc", None) or reason), True


def _on_postrun(sender: Any, task_id: str, state: str | None = None, retval: Any = None, **_kwargs: Any) -> None:
    run = _running.pop(task_id, None)
    if run is None or isinstance(retval, (Ignore, Reject)) or state in {states.IGNORED, states.REJECTED}:
        return
    outcome = TallyOutcome.RETRIED if run.is_retried else TallyOutcome.FAILED if run.failure else TallyOutcome.SUCCEEDED
    _tell(sender.name, task_id, sender.request, outcome, run, run.failure)


def _on_revoked(sender: Any, request: Any, **_kwargs: Any) -> None:
    if _is_observed(sender):
        _tell(sender.name, request.id, request, TallyOutcome.CANCELLED, _running.pop(request.id, None), None)


def _on_shutdown(**_kwargs: Any) -> None:
    writer.finish()


def _tell(task: str, task_id: str, request: Any, outcome: TallyOutcome, run: _Run | None, why: Failure | None) -> None:
    """Once, though Celery may say twice that a task whose time was over has failed."""
    number = 1 + (getattr(request, "retries", 0) or 0)
    if (task_id, number) in _told:
        return
    _told[task_id, number] = None
    if len(_told) > MOST:
        _told.popitem(last=False)
    end = End(
        function=names.name_of(task),
        outcome=outcome.value,
        ended_at=now(),
        execution_id=run_id(task_id),
        number=number,
        wait=_wait(request, run) if run else None,
        duration=timedelta(seconds=time.monotonic() - run.begun) if run else None,
        error_key=why.key(names.name_of(task)) if why else "",
    )
    writer.add(Seen(end=end, failure=_row(end, task_id, request, run, why) if why else None))


def run_id(task_id: str) -> UUID:
    """The task's id, which is a UUID unless the project gives its own."""
    try:
        return UUID(task_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, task_id)


def _wait(request: Any, run: _Run) -> timedelta | None:
    """From when it was sent, or was due if that was later."""
    due = [moment for name in (SENT_AT, "eta") if (moment := _moment(getattr(request, name, None)))]
    return max(timedelta(), run.started_at - max(due)) if getattr(request, SENT_AT, None) and due else None


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _row(end: End, task_id: str, request: Any, run: _Run | None, why: Failure) -> ObservedFailure:
    said: Mapping[str, Any] = vars(request) if request is not None else {}
    return ObservedFailure(
        function=end.function,
        task_id=task_id[:255],
        run=end.execution_id,
        number=end.number,
        is_retried=end.outcome == TallyOutcome.RETRIED,
        worker=str(said.get("hostname") or "")[:300],
        enqueued_by=str(said.get(SENT_BY) or said.get("origin") or "")[:300],
        started_at=run.started_at if run else None,
        ended_at=end.ended_at,
        error_code=why.code,
        error_type=why.type,
        error_message=why.message,
        traceback=why.traceback,
        place=why.place,
        error_key=end.error_key,
    )
