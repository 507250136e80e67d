"""A page for Prometheus, for whoever wants one:

    from deferapp.watching.prometheus import metrics

    path("metrics/", metrics)

It tells what the ledger says, the same in every process, and counts nothing itself: what ends is counted by tallies
that only grow, a second or two later. Needs `pip install 'deferapp[prometheus]'`. Honest limits: durations are kept in
buckets of 10 %, and so are believed; of what waits, and of what runs, 10,000 at the most are counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from deferapp import conf
from deferapp.clock import now
from deferapp.dashboard.load import Load
from deferapp.functions import registry
from deferapp.models import Alert, AlertKind, Span, Tally, TallyOutcome, ledger
from deferapp.schedules import silence
from deferapp.tallies.histogram import bounds
from deferapp.tallies.read import Counts

UPPER_BOUNDS: Final = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds up to which a bucket of a histogram counts."""
_LABELS: Final = (*(f"{bound:g}" for bound in UPPER_BOUNDS), "+Inf")
ENDS: Final = (TallyOutcome.SUCCEEDED, TallyOutcome.FAILED, TallyOutcome.CANCELLED, TallyOutcome.DISCARDED)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """In the format that is asked for. 403 for who shows no `METRICS_TOKEN` and may not view executions."""
    if not _may_read(request):
        return HttpResponseForbidden("Show DEFER['METRICS_TOKEN'] as a bearer token.\n", content_type="text/plain")
    told = CollectorRegistry()
    told.register(_Ledger())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(told), content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    token = conf.current().METRICS_TOKEN
    shown = request.headers.get("Authorization", "")
    if token and constant_time_compare(shown, f"Bearer {token}"):
        return True
    user = getattr(request, "user", None)
    return user is not None and user.has_perm("deferapp.view_execution")


class _Ledger(Collector):
    """What is read for one answer: six queries or so, whatever is in the ledger."""

    def describe(self) -> Iterable[Metric]:
        return ()  # Else registering would read all of it.

    def collect(self) -> Iterator[Metric]:
        yield from _of_functions(_counted())
        yield from _of_now(Load())
        yield _of_alerts()


def _counted() -> dict[str, Counts]:
    """By function; those of the code have zeros from the beginning, so that the first failure is an increase."""
    found = {function.name: Counts() for function in registry.functions()}
    rows = Tally.objects.using(ledger()).filter(span=Span.EVER).order_by("function")
    for function, *counted in rows.values_list("function", "outcome", "count", "waits", "durations"):
        found.setdefault(function, Counts()).add(*counted)
    return found


def _of_functions(counted: Mapping[str, Counts]) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "deferapp_executions_ended", "Executions that ended, by how they did.", labels=("function", "outcome")
    )
    retried = CounterMetricFamily(
        "deferapp_attempts_retried", "Attempts that failed and were followed by another.", labels=("function",)
    )
    durations = HistogramMetricFamily(
        "deferapp_attempt_duration_seconds", "From the start of attempts to their end.", labels=("function",)
    )
    waits = HistogramMetricFamily(
        "deferapp_attempt_wait_seconds", "From when attempts could have started until they did.", labels=("function",)
    )
    for function, counts in counted.items():
        for outcome in ENDS:
            ended.add_metric((function, outcome.value), getattr(counts, outcome.value))
        retried.add_metric((function,), counts.retried)
        durations.add_metric((function,), *_histogram(counts.durations))
        waits.add_metric((function,), *_histogram(counts.waits))
    yield from (ended, retried, durations, waits)


def _of_now(load: Load) -> Iterator[Metric]:
    moment = now()
    waiting = GaugeMetricFamily("deferapp_executions_waiting", "Executions that are due and wait.", labels=("queue",))
    running = GaugeMetricFamily("deferapp_executions_running", "Executions that workers hold.", labels=("queue",))
    oldest = GaugeMetricFamily(
        "deferapp_oldest_wait_seconds", "How long the oldest of those that wait has waited.", labels=("queue",)
    )
    for queue in load.queues():
        waiting.add_metric((queue.name,), queue.waiting)
        running.add_metric((queue.name,), queue.running)
        since = (moment - queue.oldest).total_seconds() if queue.oldest else 0
        oldest.add_metric((queue.name,), max(0, since))
    yield from (waiting, running, oldest)
    living = load.scene.living
    yield GaugeMetricFamily("deferapp_workers", "Workers that were heard lately.", len(living))
    slots = sum(worker.slots or 0 for worker in living)
    yield GaugeMetricFamily("deferapp_worker_slots", "Messages that they work on at once.", slots)
    is_silent = silence.silent_since() is not None
    yield GaugeMetricFamily("deferapp_beat_silent", "1 if beat owes a ring.", float(is_silent))


def _of_alerts() -> Metric:
    found = dict.fromkeys(AlertKind.values, 0)
    rows = Alert.objects.using(ledger()).filter(open_key__isnull=False).order_by()
    found |= dict(rows.values_list("kind").annotate(Count("id")))
    metric = GaugeMetricFamily("deferapp_alerts_open", "Alerts that are open.", labels=("kind",))
    for kind, count in found.items():
        metric.add_metric((kind,), count)
    return metric


def _histogram(counts: Mapping[str, int]) -> tuple[list[tuple[str, float]], float]:
    """Cumulative buckets, and the sum of what was counted, as if it lay in the middle of our buckets."""
    found, total = [0] * len(_LABELS), 0.0
    for number, count in counts.items():
        place, middle = _place(int(number))
        found[place] += count
        total += count * middle
    return list(zip(_LABELS, map(float, accumulate(found)), strict=True)), total


@cache
def _place(number: int) -> tuple[int, float]:
    """Into which bucket of Prometheus one of ours falls with all of it, and the seconds in its middle."""
    lower, upper = (bound.total_seconds() for bound in bounds(number))
    return bisect_left(UPPER_BOUNDS, upper), (lower + upper) / 2
