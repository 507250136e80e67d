"""Sentry: what a function raised when its execution has failed for good, with tags, and check-ins of schedules.

    sentry_sdk.init(dsn=…, integrations=[DeferIntegration(monitor_schedules=True)])

Needs `pip install 'deferapp[sentry]'`. Sentry's own integration of Celery sees the messages that name executions, and
never an error of a function, since those do not leave the worker: so both together tell nothing twice. Honest limits:
exceptions go to Sentry as they are, with the variables of their frames, and what hides values there is Sentry's; and a
process that is killed after its commit tells nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import sentry_sdk
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.scope import use_isolation_scope
from sentry_sdk.utils import event_from_exception

from deferapp import signals
from deferapp.executions import watchers

if TYPE_CHECKING:
    from sentry_sdk.scope import Scope

    from deferapp.models import Alert, DueMoment, Execution

ORIGIN: Final = "auto.queue.deferapp"
MARGIN: Final = 5
"""Minutes that a check-in may be late."""
_SLUG_LENGTH: Final = 50
_ENDS: Final = {
    "succeeded": (signals.succeeded, "ok"),
    "failed": (signals.failed, "error"),
    "cancelled": (signals.cancelled, "error"),
    "discarded": (signals.discarded, "error"),
}


class DeferIntegration(Integration):
    """To be named in `sentry_sdk.init(integrations=[…])`, in the settings: for web servers and workers alike."""

    identifier = "deferapp"

    def __init__(self, *, monitor_schedules: bool = False) -> None:
        """With `monitor_schedules` each schedule is a monitor of Sentry Crons, made by its first check-in."""
        self.monitor_schedules = monitor_schedules

    @staticmethod
    def setup_once() -> None:
        # What alerts say in the log is told here by itself.
        ignore_logger("deferapp.alerts")
        watchers.bodies.append(_watched)
        signals.failed.connect(_tell_failure, weak=False, dispatch_uid="deferapp.sentry")
        for signal in (signals.retried, signals.cancelled):
            signal.connect(_forget, weak=False, dispatch_uid="deferapp.sentry")
        signals.alerted.connect(_tell_alert, weak=False, dispatch_uid="deferapp.sentry")
        signals.started.connect(_check_in, weak=False, dispatch_uid="deferapp.sentry.monitors")
        for name, (signal, _status) in _ENDS.items():
            signal.connect(_CheckOut(name), weak=False, dispatch_uid="deferapp.sentry.monitors")


@contextmanager
def _watched(execution: Execution) -> Iterator[None]:
    """A body, in a scope of its own. What it raises is told once it is known that no attempt follows."""
    if _integration() is None:
        yield
        return
    with sentry_sdk.isolation_scope() as scope:
        _describe(scope, execution)
        with sentry_sdk.start_span(op="queue.process", name=execution.function, origin=ORIGIN) as span:
            span.set_data("messaging.message.id", str(execution.id))
            span.set_data("messaging.destination.name", execution.function)
            span.set_data("messaging.message.retry.count", execution.attempt - 1)
            try:
                yield
            except BaseException as error:
                _held(execution).extend((error, scope))
                raise


def _describe(scope: Scope, execution: Execution) -> None:
    scope.clear_breadcrumbs()
    scope.set_transaction_name(execution.function, source="task")
    scope.set_tag("deferapp.function", execution.function)
    scope.set_tag("deferapp.execution_id", str(execution.id))
    scope.set_tag("deferapp.attempt", execution.attempt)
    if execution.parent_id:
        scope.set_tag("deferapp.parent_id", str(execution.parent_id))


def _held(execution: Execution) -> list[Any]:
    """The exception and the scope of the attempt that has just ended: copies of the execution share this list."""
    found: list[Any] = vars(execution).setdefault("_sentry", [])
    return found


def _tell_failure(execution: Execution, **_kwargs: Any) -> None:
    held = _held(execution)
    if _integration() is not None:
        if held:
            _tell_exception(*held)
        else:
            _tell_reason(execution)
    held.clear()


def _tell_exception(error: BaseException, scope: Scope) -> None:
    options = sentry_sdk.get_client().options
    mechanism = {"type": "deferapp", "handled": False}
    event, hint = event_from_exception(error, client_options=options, mechanism=mechanism)
    with use_isolation_scope(scope):  # What else the process has left behind is not of this body.
        sentry_sdk.capture_event(event, hint=hint)


def _tell_reason(execution: Execution) -> None:
    """Where there is no exception: the process has died, or the body was given up and runs on."""
    from deferapp.redact import redact_text

    with sentry_sdk.isolation_scope() as scope:
        _describe(scope, execution)
        scope.fingerprint = [execution.function, execution.error_code]
        sentry_sdk.capture_message(redact_text(f"{execution.function}: {execution.reason}"), level="error")


def _forget(execution: Execution, **_kwargs: Any) -> None:
    """Exceptions hold the frames of bodies, and all that is in them."""
    _held(execution).clear()


def _tell_alert(alert: Alert, **_kwargs: Any) -> None:
    """But not that executions fail: of each of those Sentry knows."""
    from deferapp.models import AlertKind

    if _integration() is None or alert.kind == AlertKind.FAILURES:
        return
    with sentry_sdk.isolation_scope() as scope:
        scope.set_tag("deferapp.alert", alert.kind)
        scope.fingerprint = ["deferapp", alert.kind, alert.subject]
        sentry_sdk.capture_message(f"{alert}. {alert.text}", level="error")


def _integration() -> DeferIntegration | None:
    return sentry_sdk.get_client().get_integration(DeferIntegration)


def _check_in(execution: Execution, **_kwargs: Any) -> None:
    """The first attempt of what a schedule has fired. A retry belongs to the same run."""
    if execution.attempt == 1 and (moment := _due_moment(execution)):
        _send(execution, "in_progress", moment)


class _CheckOut:
    """The end of it. (One receiver for each signal, since they do not say their names.)"""

    def __init__(self, name: str) -> None:
        self._status = _ENDS[name][1]

    def __call__(self, execution: Execution, **_kwargs: Any) -> None:
        if moment := _due_moment(execution):
            _send(execution, self._status, moment)


def _due_moment(execution: Execution) -> DueMoment | None:
    """What the execution was fired for, if it is to be monitored; one that was run by hand is not."""
    from deferapp.functions import registry
    from deferapp.functions.function import ScheduledFunction
    from deferapp.models import DueMoment, ledger

    integration = _integration()
    if integration is None or not integration.monitor_schedules:
        return None
    if not isinstance(registry.get(execution.function), ScheduledFunction):
        return None
    rows = DueMoment.objects.using(ledger()).filter(execution_id=execution.id)
    return rows.select_related("schedule").first()


def _send(execution: Execution, status: str, moment: DueMoment) -> None:
    """The check-in has the execution's id, so that whichever process sees the end can tell it."""
    from deferapp.cron import parse

    sentry_sdk.crons.capture_checkin(
        monitor_slug=slug(execution.function),
        check_in_id=execution.id.hex,
        status=status,
        monitor_config={
            "schedule": {"type": "crontab", "value": parse(moment.schedule.frequency).canonical},
            "timezone": "UTC",
            "checkin_margin": MARGIN,
            "max_runtime": _most_minutes(execution.function),
        },
    )


def slug(function: str) -> str:
    """The monitor of a scheduled function: its name with dashes for dots, the last 50 characters."""
    return function.lower().replace(".", "-")[-_SLUG_LENGTH:]


def _most_minutes(name: str) -> int:
    from deferapp.functions import registry

    function = registry.get(name)
    return math.ceil(function.config.longest.total_seconds() / 60) if function else 30
