"""What a worker tells of itself with each heartbeat, so that `manage.py defer doctor` need ask nobody but the database.

Of a broker only the place is told: users and passwords do not belong into the ledger.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from celery import Celery

from deferapp.dispatch.broker import celery_app, local_worker

logger = logging.getLogger("deferapp.workers")

EMBEDDED: Final = "embedded"
"""The pool of a worker inside of another process: a broker in memory reaches it from there alone."""


_pools: list[Any] = []


def has_pool(pool: Any) -> None:
    """This worker's pool of Celery, whose size may change while it runs."""
    _pools[:] = [pool]


def told(*, is_draining: bool) -> dict[str, Any]:
    """The queues that this worker reads, which can change while it runs, and where. A heartbeat never fails for it."""
    try:
        app = celery_app()
        queues = [] if is_draining else sorted(app.amqp.queues.consume_from)
        pool = {"pool": EMBEDDED} if local_worker.is_set() else {}
        slots = {"slots": _pools[0].num_processes} if _pools else {}
        return {"queues": queues, "broker": broker_of(app), **pool, **slots}
    except Exception:
        logger.debug("What this worker reads could not be told", exc_info=True)
        return {}


def clock_offset(asked: datetime, answered: datetime, database_now: datetime) -> timedelta:
    """By how much this machine's clock is at least ahead of the database's, or, if negative, behind it.

    The database's was read at some time between two looks at this one; zero if they may have agreed then. So a slow
    answer never looks like a wrong clock.
    """
    return max(asked - database_now, min(answered - database_now, timedelta(0)))


def broker_of(app: Celery) -> str:
    """Where an app's workers read, as `redis://host:6379/0`: the same for the same place however its URL is written."""
    return _place(app, app.conf.broker_read_url or app.conf.broker_url or "")


@cache
def _place(app: Celery, _url: str) -> str:
    connection = app.connection_for_read()
    port = connection.port or getattr(connection.get_transport_cls(), "default_port", None)
    room = (connection.virtual_host or "").strip("/") or ("0" if "redis" in connection.transport_cls else "")
    return f"{connection.transport_cls}://{connection.hostname}{f':{port}' if port else ''}/{room}"[:200]
