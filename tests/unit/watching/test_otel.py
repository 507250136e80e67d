"""Spans, as OpenTelemetry's SDK exports them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from deferapp import defer
from deferapp.executions import watchers
from deferapp.models import Execution
from deferapp.watching.otel import DeferInstrumentor
from deferapp.workers import presence
from tests.unit.retry.running import run_attempt
from tests.unit.test_docs import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


class Spans:
    """What was exported, and a tracer for the code of the project."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("project")

    def named(self, word: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name.startswith(word)]

    def only(self, word: str) -> ReadableSpan:
        (span,) = self.named(word)
        return span


@pytest.fixture
def spans() -> Iterator[Spans]:
    found = Spans()
    instrumentor = DeferInstrumentor()
    instrumentor.instrument(tracer_provider=found.provider)
    yield found
    instrumentor.uninstrument()


@pytest.fixture(autouse=True)
def _own_registry_and_worker(empty_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_mine", None)


def compute(number: int) -> int:
    trace.get_current_span().set_attribute("seen", number)
    if number < 0:
        raise ValueError("password=hunter2")
    return number


async def compute_async(number: int) -> int:
    return compute(number)


@pytest.mark.parametrize("plain", [compute, compute_async])
def test_an_attempt_is_a_trace_of_its_own_that_is_linked_to_the_enqueue(plain: Any, spans: Spans) -> None:
    function = defer(plain)
    with spans.tracer.start_as_current_span("request") as request:
        execution = function.enqueue(7)
    run_attempt(function, execution)
    create, process = spans.only("create"), spans.only("process")
    assert create.parent == request.get_span_context()
    assert process.parent is None
    (link,) = process.links
    assert (link.context.trace_id, link.context.span_id) == (create.context.trace_id, create.context.span_id)
    assert (create.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert process.attributes == {
        "messaging.system": "deferapp",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": function.name,
        "messaging.message.id": str(execution.id),
        "deferapp.attempt": 1,
        "seen": 7,
    }
    assert process.status.status_code == StatusCode.UNSET


def test_each_attempt_is_a_span_that_says_what_was_raised_redacted(spans: Spans) -> None:
    function = defer(compute, retry=1)
    execution = function.enqueue(-1)
    for _ in range(2):
        run_attempt(function, execution)
    attempts = spans.named("process")
    assert [(span.attributes or {})["deferapp.attempt"] for span in attempts] == [1, 2]
    for span in attempts:
        assert span.status.status_code == StatusCode.ERROR
        assert (span.attributes or {})["error.type"] == "ValueError"
        (event,) = span.events
        said = dict(event.attributes or {})
        assert said["exception.type"] == "ValueError"
        assert "in compute" in str(said["exception.stacktrace"])
        assert "hunter2" not in f"{span.status.description} {said}"


def test_what_a_body_enqueues_is_below_its_span_and_names_its_parent(spans: Spans) -> None:
    inner = defer(compute)

    def outer() -> None:
        inner.enqueue(1)

    outer.__qualname__ = "outer"
    function = defer(outer)
    execution = function.enqueue()
    run_attempt(function, execution)
    create = next(span for span in spans.named("create") if span.name.endswith("compute"))
    assert create.parent == spans.only("process").get_span_context()
    child = Execution.objects.get(function=inner.name)
    run_attempt(inner, child)
    assert (spans.named("process")[1].attributes or {})["deferapp.parent_id"] == str(execution.id)


def test_each_execution_of_a_map_is_linked_to_its_own_enqueue(spans: Spans) -> None:
    function = defer(compute)
    with spans.tracer.start_as_current_span("request"):
        function.map([1, 2])
    for execution in Execution.objects.order_by("created_at"):
        run_attempt(function, execution)
    linked = [span.links[0].context.span_id for span in spans.named("process")]
    assert linked == [span.get_span_context().span_id for span in spans.named("create")]
    assert len(set(linked)) == 2


def test_async_code_enqueues_below_its_own_span(spans: Spans) -> None:
    function = defer(compute_async)

    async def view() -> None:
        with spans.tracer.start_as_current_span("request"):
            await function(1)

    async_to_sync(view)()
    assert spans.only("create").parent == spans.only("request").get_span_context()


@pytest.mark.parametrize("carried", [{}, {"traceparent": "nonsense"}, {"tenant": "acme"}])
def test_an_execution_that_carries_no_context_is_a_span_without_a_link(carried: Any, spans: Spans) -> None:
    function = defer(compute)
    execution = function.enqueue(1)
    Execution.objects.update(metadata=carried)
    run_attempt(function, execution)
    assert not spans.only("process").links


def test_metadata_of_the_call_is_kept_beside_the_context(spans: Spans) -> None:
    execution = defer(compute).options(metadata={"tenant": "acme"}).enqueue(1)
    assert execution.metadata == {"tenant": "acme", "traceparent": execution.metadata["traceparent"]}


def test_without_a_provider_nothing_is_carried() -> None:
    instrumentor = DeferInstrumentor()
    instrumentor.instrument(tracer_provider=trace.NoOpTracerProvider())
    try:
        assert watchers.carried("shop.defer.mail", uuid4(), {}) == {}
    finally:
        instrumentor.uninstrument()


def test_opentelemetry_finds_the_instrumentor_by_its_entry_point() -> None:
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    (value,) = groups["opentelemetry_instrumentor"].values()
    assert EntryPoint("deferapp", value, "opentelemetry_instrumentor").load() is DeferInstrumentor
