"""Publishing what waits in the ledger and has no message: delays that are over, retries, and messages that were lost.

What has been published is published again only when its message must be gone: its queue is nearly empty, or work of
the same function that was published later is running, since queues keep the order. So a queue that nobody reads does
not grow, and a queue that is never empty hides nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, Max, Q

from deferapp import conf
from deferapp.clock import now
from deferapp.dispatch import publish as publishing
from deferapp.dispatch.broker import Refused, broker, logger
from deferapp.executions import pauses
from deferapp.executions.endings.retry import WORKER_DIED
from deferapp.executions.states import State
from deferapp.functions import registry
from deferapp.models import Execution, ledger
from deferapp.models.locking import update_in_order

if TYPE_CHECKING:
    from deferapp.models.queries import ExecutionQuerySet

MOST_A_ROUND: Final = 2_000
"""Executions published for the first time in one round of housekeeping; and of each function, again."""
HELD: Final = timedelta(minutes=1)
"""Time between two looks at what is held: its function is paused, or unknown to the worker that keeps house."""
MOST_NAMES: Final = 400
"""Functions that one query asks about: SQLite joins no more than 500 parts."""
NEARLY_EMPTY: Final = 2
"""Messages in a queue up to which lost ones are looked for."""

_UNPUBLISHED: Final = Q(dispatch_at=F("due_at"))
_PUBLISHED: Final = Q(dispatch_at__gt=F("due_at"))


def publish() -> int:
    """Publish what is due, oldest first. Returns how many executions were named in messages."""
    moment = now()
    return _publish_new(moment) + sum(_publish_again(name, moment) for name in _overdue_again(moment))


def _overdue_again(moment: datetime) -> list[str]:
    """The functions of which something that was published is overdue: a look into an index for each, in one query."""
    names = [function.name for function in registry.functions()]
    return [
        name for start in range(0, len(names), MOST_NAMES) for name in _of(names[start : start + MOST_NAMES], moment)
    ]


def _of(names: Sequence[str], moment: datetime) -> list[str]:
    connection, meta = connections[ledger()], Execution._meta
    at = meta.get_field("dispatch_at").get_db_prep_value(moment, connection)
    each = " UNION ALL ".join("SELECT %s AS name" for _ in names)
    statement = f"""SELECT name FROM ({each}) AS names WHERE EXISTS (SELECT 1 FROM {meta.db_table} AS execution
        WHERE execution.function = names.name AND execution.state = '{State.CREATED}'
        AND execution.dispatch_at <= %s AND execution.dispatch_at > execution.due_at)"""
    with connection.cursor() as cursor:
        cursor.execute(statement, [*names, at])
        return [name for (name,) in cursor.fetchall()]


def _publish_new(moment: datetime) -> int:
    """By an index of what has not been published, so that the rest may be millions."""
    waiting = _waiting(moment).filter(_UNPUBLISHED).order_by("dispatch_at", "created_at")
    rows = waiting.values_list("function", "error_code", "id")[:MOST_A_ROUND]
    groups = _grouped((function, code in WORKER_DIED, id) for function, code, id in rows)
    return sum(_publish(function, ids, moment, alone=alone) for (function, alone), ids in groups)


def _publish_again(function: str, moment: datetime) -> int:
    published = _waiting(moment).filter(_PUBLISHED, function=function).order_by("dispatch_at", "created_at")
    if not _has_room(function):
        latest = _executions().filter(function=function, state=State.STARTED).aggregate(due_at=Max("due_at"))["due_at"]
        if latest is None:
            return 0
        published = published.filter(dispatch_at__lt=latest)
    return _publish(function, list(published.values_list("id", flat=True)[:MOST_A_ROUND]), moment)


def _publish(function: str, ids: Sequence[UUID], moment: datetime, *, alone: bool = False) -> int:
    """`alone`: each in a message of its own. What died with its worker may be what kills it, and nothing else then."""
    if registry.get(function) is None:
        _look_again_later(ids, moment, HELD)
        return 0
    if pauses.is_paused(function) and _hold(function, ids, moment):
        return 0
    sent = publishing.now(function, ids, alone=alone)
    _look_again_later(ids[:sent], moment, conf.republish_after())
    return sent


def _hold(function: str, ids: Sequence[UUID], moment: datetime) -> bool:
    """Look again later, unless it is resumed at this moment, which would be undone."""
    with transaction.atomic(using=ledger()):
        is_held = pauses.keep_paused(function)
        if is_held:
            _look_again_later(ids, moment, HELD)
    return is_held


def _grouped(rows: Iterable[tuple[str, bool, UUID]]) -> Iterable[tuple[tuple[str, bool], list[UUID]]]:
    ordered = sorted(rows, key=lambda row: row[:2])
    return ((key, [id for _, _, id in group]) for key, group in itertools.groupby(ordered, key=lambda row: row[:2]))


def _waiting(moment: datetime) -> ExecutionQuerySet:
    return _executions().filter(dispatch_at__lte=moment, state=State.CREATED)


def _executions() -> ExecutionQuerySet:
    return Execution.objects.using(ledger())


def _look_again_later(ids: Sequence[UUID], moment: datetime, wait: timedelta) -> None:
    """Not at those that have been claimed since `moment`, also if they wait for their next attempt by now.

    Nor at those that somebody has locked, who could keep all the others from being marked: the next round does.
    """
    later = now() + wait
    for start in range(0, len(ids), 500):
        rows = _waiting(moment).filter(id__in=ids[start : start + 500])
        update_in_order(rows, skip_locked=True, dispatch_at=later)


def _has_room(function: str) -> bool:
    try:
        return broker.waiting(function) <= NEARLY_EMPTY
    except Refused as error:
        logger.warning("The queue of %s could not be looked at: %r", function, error)
        return False
    except Exception:  # of which `broker` has told
        return False
