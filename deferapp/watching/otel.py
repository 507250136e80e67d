"""OpenTelemetry: a span for each enqueue, and one for each attempt that is linked to it.

    from deferapp.watching.otel import DeferInstrumentor

    DeferInstrumentor().instrument()

`opentelemetry-instrument` finds it by itself. Needs `pip install 'deferapp[otel]'`. Names and attributes follow the
semantic conventions of messaging: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/. A link, and
no parent: an attempt may begin days later, and an execution has several. The way from one to the other is the
execution's metadata, under `traceparent`. Honest limit: what a schedule, a hook or a person's click in the admin
enqueues has no span of its own, and its attempts have no link.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from deferapp.executions import watchers

if TYPE_CHECKING:
    from deferapp.models import Execution

SYSTEM: Final = "deferapp"
CARRIED: Final = "traceparent"
"""The key of W3C's Trace Context, https://www.w3.org/TR/trace-context/, and of the metadata."""

_propagator: Final = TraceContextTextMapPropagator()


class DeferInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """As other instrumentors: `instrument(tracer_provider=None)`, `uninstrument()`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        tracer = trace.get_tracer("deferapp.watching.otel", tracer_provider=kwargs.get("tracer_provider"))
        self._carrier, self._body = _Enqueues(tracer), _Bodies(tracer)
        watchers.carriers.append(self._carrier)
        watchers.bodies.append(self._body.watched)

    def _uninstrument(self, **_kwargs: Any) -> None:
        watchers.carriers.remove(self._carrier)
        watchers.bodies.remove(self._body.watched)


class _Enqueues:
    """Makes a span of each enqueue, whose context travels with the execution."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def __call__(self, function: str, id: UUID) -> Mapping[str, str]:
        with self._tracer.start_as_current_span(
            f"create {function}", kind=SpanKind.PRODUCER, attributes=_attributes(function, id, "create")
        ):
            carried: dict[str, str] = {}
            _propagator.inject(carried)
        return {CARRIED: carried[CARRIED]} if CARRIED in carried else {}


class _Bodies:
    """Makes a span of each attempt, current in its body."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def watched(self, execution: Execution) -> Iterator[None]:
        attributes = _attributes(execution.function, execution.id, "process")
        attributes["deferapp.attempt"] = execution.attempt
        if execution.parent_id:
            attributes["deferapp.parent_id"] = str(execution.parent_id)
        with self._tracer.start_as_current_span(
            f"process {execution.function}",
            kind=SpanKind.CONSUMER,
            links=_links(execution.metadata),
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                _note(span, error)
                raise


def _attributes(function: str, id: UUID, operation: str) -> dict[str, str | int]:
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": function,
        "messaging.message.id": str(id),
    }


def _links(metadata: Mapping[str, Any]) -> list[Link]:
    """To the span of the enqueue; none where nothing was carried, or what is no context."""
    carried = {CARRIED: str(metadata.get(CARRIED, ""))}
    found = trace.get_current_span(_propagator.extract(carried, context=Context())).get_span_context()
    return [Link(found)] if found.is_valid else []


def _note(span: Span, error: BaseException) -> None:
    """What a body raised, redacted as in deferapp's own logs. Whether another attempt follows is not known yet."""
    from deferapp.executions.endings import failure
    from deferapp.redact import redact_text

    if not span.is_recording():
        return
    known = failure.of(error)
    span.set_attribute("error.type", known.type)
    span.set_status(Status(StatusCode.ERROR, redact_text(known.summary)))
    span.add_event(
        "exception",
        {
            "exception.type": known.type,
            "exception.message": redact_text(known.message),
            "exception.stacktrace": redact_text(known.traceback),
        },
    )
