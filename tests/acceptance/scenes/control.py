"""Cancelling, aborting and pausing."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db import transaction

from deferapp.clock import now
from deferapp.exceptions import DeferError
from deferapp.executions.states import State
from deferapp.models import Execution
from tests.acceptance.scenes.common import label, lines, rows, states, wait_for_end, wait_for_lines, wait_for_states
from tests.shop import gates
from tests.shop.defer.add import add
from tests.shop.defer.note import note
from tests.shop.defer.stay import stay
from tests.shop.defer.stay_async import stay_async


def abort_sync() -> dict[str, Any]:
    return _abort(stay)


def abort_async() -> dict[str, Any]:
    return _abort(stay_async)


def _abort(function: Any) -> dict[str, Any]:
    """Three that run are aborted; the gate opens only when the ledger has their ends."""
    name = label()
    executions = [function.enqueue(name) for _ in range(3)]
    wait_for_lines(f"{name} begun", 3)
    asked = []
    for execution in executions:
        asked.append(now())
        execution.cancel(force=True)
    ended = wait_for_end(execution.id for execution in executions)
    left = len(lines(f"{name} left"))
    gates.open_gate(name)
    wait_for_lines(f"{name} left", 3)
    return {
        "ends": [[row.state, [each.outcome for each in row.attempts.all()]] for row in rows(row.id for row in ended)],
        "seconds": [(row.ended_at - moment).total_seconds() for row, moment in zip(ended, asked, strict=True)],
        "left": left,
    }


def refusals() -> dict[str, Any]:
    """What cannot be cancelled. The transaction keeps the worker from ending the aborted one before the second try."""
    name = label()
    waiting, running = note.options(delay="1h")(name), stay(name)
    wait_for_lines(name, 1)
    unforced = _error(running)
    with transaction.atomic():
        running.cancel(force=True)
        again = _error(running, force=True)
    (ended,) = wait_for_end([running.id])
    gates.open_gate(name)
    waiting.cancel()
    return {
        "running": unforced,
        "aborting": again,
        "ended": _error(ended, force=True),
        "waiting": [waiting.state, waiting.attempt],
        "cancelled": _error(waiting),
    }


def _error(execution: Execution, **options: bool) -> str:
    try:
        execution.cancel(**options)
    except DeferError as error:
        return type(error).__name__
    return ""


def pause() -> dict[str, Any]:
    """Pause before and while work is accepted; what is enqueued afterwards for others overtakes it."""
    name = label()
    note.pause()
    with contextlib.ExitStack() as stack:
        stack.callback(note.resume)
        ids = [*note.map([name] * 10), *(note.enqueue(name).id for _ in range(5))]
        sums = [add.result(number, 1) for number in range(20)]
        held = states(ids)
    wait_for_states(ids, State.SUCCEEDED, len(ids))
    return {"sums": sums, "held": held, "lines": len(lines(name)), "attempts": [row.attempt for row in rows(ids)]}
