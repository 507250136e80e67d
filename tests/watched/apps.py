"""Starts the watching, as a project does where its settings or its WSGI module are read; what is told goes to files."""

from __future__ import annotations

import json
from typing import Any

import sentry_sdk
from django.apps import AppConfig
from django.conf import settings
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.transport import Transport

from deferapp.watching.otel import DeferInstrumentor
from deferapp.watching.sentry import DeferIntegration


class WatchedConfig(AppConfig):
    name = "tests.watched"

    def ready(self) -> None:
        from tests.watched import tasks  # noqa: F401

        sentry_sdk.init(
            dsn="https://key@sentry.invalid/1",
            transport=ToFile(),
            auto_enabling_integrations=False,
            integrations=[CeleryIntegration(), DeferIntegration()],
        )
        provider = TracerProvider()
        exporter = ConsoleSpanExporter(out=open(f"{settings.WITNESS}.spans", "a"), formatter=_line)  # noqa: SIM115
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        for instrumentor in (CeleryInstrumentor(), DeferInstrumentor()):
            instrumentor.instrument(tracer_provider=provider)


class ToFile(Transport):
    def capture_envelope(self, envelope: Envelope) -> None:
        with open(f"{settings.WITNESS}.sentry", "a") as file:
            file.writelines(json.dumps(item.payload.json) + "\n" for item in envelope.items)


def _line(span: ReadableSpan) -> str:
    told: dict[str, Any] = json.loads(span.to_json())
    return json.dumps(told) + "\n"
