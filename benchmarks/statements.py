"""What workers do to the ledger, timed one by one, and what PostgreSQL scans for it. To be imported with Django set up.

Every statement that is captured is explained with its own values. Small tables may be scanned, the large ones may not.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any, Final
from uuid import uuid4

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from benchmarks.work.defer.empty import empty
from benchmarks.work.defer.limited import limited
from deferapp.clock import now
from deferapp.dispatch import overdue
from deferapp.executions import life, prune
from deferapp.executions.batches import hooks
from deferapp.executions.endings import outcome
from deferapp.models import Execution, Worker
from deferapp.schedules import tick
from deferapp.workers import presence, recover

REPEATS: Final = 15
LIST: Final = 100
_LARGE: Final = re.compile(r"Seq Scan on (deferapp_(?:execution|attempt|duemoment))")

Call = Callable[[], Any]


def main() -> None:
    """Print an object of `{"ms": median, "scans": [large tables read from end to end]}` by name."""
    presence.current()
    print(json.dumps({name: _measure(prepare) for name, prepare in STATEMENTS.items()}))


def _measure(prepare: Callable[[], Call]) -> dict[str, Any]:
    """Nothing that is measured stays: each repetition is rolled back."""
    times = []
    for _ in range(REPEATS):
        with _rolled_back():
            call = prepare()
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) * 1000)
    with _rolled_back():
        call = prepare()
        with CaptureQueriesContext(connection) as captured:
            call()
        scans = {table for query in captured.captured_queries for table in _scanned(query["sql"])}
    return {"ms": median(times), "scans": sorted(scans)}


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _scanned(sql: str) -> list[str]:
    if not sql.startswith(("SELECT", "UPDATE", "DELETE")):
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    return _LARGE.findall(plan)


def _claim(function: Any) -> Call:
    ids, worker_id = list(function.map(range(LIST))), presence.current().pk
    return lambda: life.claim(function, ids, claim=uuid4(), worker_id=worker_id, most=LIST)


def _settle() -> Call:
    moment = now()
    endings = [outcome.of_success(each, moment, moment, None) for each in _claim(empty)()]
    return lambda: life.settle(endings, worker="1")


def _give_back() -> Call:
    executions = _claim(empty)()
    return lambda: life.give_back(executions)


def _publish() -> Call:
    ids = list(empty.options(delay=timedelta(hours=1)).map(range(LIST)))
    past = now() - timedelta(seconds=1)
    Execution.objects.filter(id__in=ids).update(due_at=past, dispatch_at=past)
    return overdue.publish


def _recover() -> Call:
    _claim(empty)()
    Worker.objects.all().delete()
    return recover.recover_orphans


STATEMENTS: Final[dict[str, Callable[[], Call]]] = {
    "enqueue 1": lambda: lambda: empty.enqueue(1),
    f"enqueue {LIST}": lambda: lambda: empty.map(range(LIST)),
    f"claim {LIST}": lambda: _claim(empty),
    f"claim {LIST} under a limit": lambda: _claim(limited),
    f"settle {LIST}": _settle,
    f"give back {LIST}": _give_back,
    f"publish {LIST} due": _publish,
    f"recover {LIST}": _recover,
    "tick": lambda: tick.tick,
    "expire": lambda: life.expire,
    "fire hooks": lambda: hooks.fire,
    "prune": lambda: prune.prune,
    "beat of a worker": lambda: presence.beat,
    "newest page": lambda: lambda: list(Execution.objects.all()[:LIST]),
    "newest page of failed": lambda: lambda: list(Execution.objects.filter(state="failed")[:LIST]),
    "newest page of a function": lambda: lambda: list(Execution.objects.filter(function="shop.defer.function7")[:LIST]),
}
