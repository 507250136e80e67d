"""A project that is watched by Sentry and OpenTelemetry, and has Celery tasks of its own."""
