"""How long pages take, and what they ask the database for. To be imported with Django set up.

Server time is that of Django's test client in this process: URL, view, queries, template; no network, no web server.
Each query is explained with its own values: what counts is how many rows of the executions it goes through.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import quantiles
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.page_list import PAGES
from deferapp import clock
from deferapp.models import ErrorGroup, Execution, Schedule

LIMIT_MS: Final = 200.0
"""Server time that 95 % of the loads of a page may take."""
MOST_ROWS: Final = 25_000
"""Rows of executions or attempts that a query may go through: "10,000+" is counted by going through so many."""
_LARGE: Final = ("deferapp_execution", "deferapp_attempt")


@dataclass(frozen=True, kw_only=True)
class Loads:
    """What a page took."""

    name: str
    status: int
    p50: float
    """Milliseconds."""
    p95: float
    cpu: float
    """Milliseconds of this process's work at the median: on a busy machine the others are mostly waiting."""
    queries: int
    rows: int
    """The most rows of a large table that one query went through."""

    @property
    def is_good(self) -> bool:
        return self.status == 200 and self.p95 < LIMIT_MS and self.rows <= MOST_ROWS

    def __str__(self) -> str:
        figures = f"{self.p50:7.0f} ms {self.p95:7.0f} ms {self.cpu:7.0f} ms {self.queries:8} {self.rows:10,}"
        problem = "" if self.is_good else f"  ✕ {'' if self.status == 200 else self.status}"
        return f"{self.name:45}{figures}{problem}"


def main(count: int) -> bool:
    """Print a table of all pages. True if each was shown in time and went through a bounded number of rows."""
    _set_clock()
    client, found = _client(), facts()
    print(f"{'':45}{'p50':>10} {'p95':>10} {'CPU':>10} {'queries':>8} {'rows':>10}")
    measured = [_load(client, name, path.format(**found), count) for name, path in PAGES.items()]
    return all(each.is_good for each in measured)


def _set_clock() -> None:
    """Let it be the moment at which the last execution was called: a ledger that is kept would grow old otherwise."""
    behind = clock.now() - Execution.objects.order_by("-created_at")[0].created_at

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) - behind

    clock.datetime = Then


def facts() -> dict[str, object]:
    """What the paths of pages name."""
    failed = Execution.objects.filter(state="failed").order_by("-created_at")[0]
    parent = Execution.objects.exclude(parent__function=None).order_by("-created_at")[0].parent_id
    return {
        "function": failed.function,
        "failed": failed.id,
        "parent": parent,
        "tenant": failed.metadata["tenant"],
        "error": ErrorGroup.objects.order_by("-last_at")[0].key,
        "rare_error": ErrorGroup.objects.order_by("last_at")[0].key,
        "old_batch": Execution.objects.exclude(batch=None).order_by("created_at")[0].batch,
        "batch": Execution.objects.exclude(batch=None).order_by("-created_at")[0].batch,
        "schedule": Schedule.objects.order_by("id")[0].pk,
    }


def _client() -> Client:
    client = Client()
    users = get_user_model().objects
    client.force_login(users.filter(username="bench").first() or users.create_superuser("bench"))
    return client


def _load(client: Client, name: str, path: str, count: int) -> Loads:
    with CaptureQueriesContext(connection) as captured:
        status = client.get(path).status_code
    queries = [query["sql"] for query in captured.captured_queries]  # The next request forgets them.
    times = [_timed(client, path) for _ in range(count)]
    p50, p95 = _percentiles([elapsed for elapsed, _ in times])
    cpu, _ = _percentiles([worked for _, worked in times])
    rows = max(map(_rows, queries), default=0)
    loads = Loads(name=name, status=status, p50=p50, p95=p95, cpu=cpu, queries=len(queries), rows=rows)
    print(loads, flush=True)
    return loads


def _timed(client: Client, path: str) -> tuple[float, float]:
    """Milliseconds that passed, and that this process worked."""
    began, worked = time.perf_counter(), time.process_time()
    client.get(path)
    return (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000


def _percentiles(times: list[float]) -> tuple[float, float]:
    cuts = quantiles(times, n=20, method="inclusive")
    return cuts[9], cuts[18]


def _rows(sql: str) -> int:
    """The rows of large tables that the query goes through, whether it gives them or passes over them."""
    if not sql.startswith("SELECT"):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return sum(_gone_through(node) for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") in _LARGE)


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _gone_through(node: Mapping[str, Any]) -> int:
    passed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + passed) * node["Actual Loops"])
