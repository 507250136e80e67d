"""What a person may do with one execution: when it is possible, who may, and what is said of it afterwards.

Each is a conditional UPDATE or an insert with an id of its own, so that a form that is sent twice does it once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deferapp.clock import now
from deferapp.executions import again, bulk, life
from deferapp.executions.states import ENDED, State
from deferapp.functions import registry
from deferapp.models import Execution

Text = str | Promise


@dataclass(frozen=True, kw_only=True)
class Action:
    name: str
    label: Text
    help: Text
    permission: str
    """Of the model Execution, without its name: `retry` for `retry_execution`."""
    is_possible: Callable[[Execution], bool]
    act: Callable[[Execution, str], Execution | None]
    """Does it for a wish, which is the form's; gives the execution that then runs, None if nothing could be done."""
    done: Text
    refused: Text
    is_grave: bool = False


def _is(*states: State) -> Callable[[Execution], bool]:
    return lambda execution: execution.state in states


def _waits_for_later(execution: Execution) -> bool:
    return execution.state == State.CREATED and execution.due_at > now()


def _can_run_again(execution: Execution) -> bool:
    return execution.state in ENDED and registry.get(execution.function) is not None


def _retry(execution: Execution, _wish: str) -> Execution | None:
    return execution if bulk.retry([execution]) else None


def _rerun(execution: Execution, wish: str) -> Execution | None:
    return again.rerun(execution, wish=wish)


def _run_now(execution: Execution, _wish: str) -> Execution | None:
    return execution if again.reschedule(execution, None) else None


def _cancel(execution: Execution, _wish: str) -> Execution | None:
    return execution if life.cancel(execution.id) else None


def _abort(execution: Execution, _wish: str) -> Execution | None:
    return execution if life.abort(execution.id) else None


ACTIONS: Final = {
    action.name: action
    for action in (
        Action(
            name="retry",
            label=_("Retry"),
            help=_("It runs again, now, as the execution that it is."),
            permission="retry",
            is_possible=_is(State.FAILED),
            act=_retry,
            done=_("Retried: it runs again as soon as a worker is free."),
            refused=_("Not retried: it is not failed any more."),
        ),
        Action(
            name="run-now",
            label=_("Run now"),
            help=_("It does not wait until it is due."),
            permission="run",
            is_possible=_waits_for_later,
            act=_run_now,
            done=_("It is due now, and runs as soon as a worker is free."),
            refused=_("Not changed: it has started or ended meanwhile."),
        ),
        Action(
            name="run-again",
            label=_("Run again"),
            help=_("A new execution does the same, now."),
            permission="run",
            is_possible=_can_run_again,
            act=_rerun,
            done=_("Run again: this is the new execution."),
            refused=_("Not run again."),
        ),
        Action(
            name="cancel",
            label=_("Cancel"),
            help=_("It does not start any more."),
            permission="cancel",
            is_possible=_is(State.CREATED),
            act=_cancel,
            done=_("Cancelled."),
            refused=_("Not cancelled: it has started or ended meanwhile."),
            is_grave=True,
        ),
        Action(
            name="abort",
            label=_("Abort"),
            help=_("Its worker stops it; what it has done until then is done."),
            permission="cancel",
            is_possible=_is(State.STARTED),
            act=_abort,
            done=_("Its worker has been told to stop it."),
            refused=_("Not aborted: it does not run any more."),
            is_grave=True,
        ),
    )
}
"""By their names in addresses."""
