"""The settings: one dict, `DEFER = {…}`, with these keys, types and defaults.

Read at each use, so that `override_settings` works. A key that is not listed here does nothing but is reported
by `manage.py check` (deferapp.E001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final

from django.conf import settings as django_settings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `DEFER` may say."""

    RETRY: bool | int | Mapping[str, Any] = True
    """The retry of functions that name none: as `retry=` of `defer()`."""
    RETENTION: timedelta | float | str | Mapping[str, Any] | None = timedelta(days=90)
    """How long executions are kept after their end: a duration, or one for each state ("failed"); None is for ever."""
    MAX_ARGUMENTS: int = 1024 * 1024
    """Bytes of JSON that the arguments of an execution may have."""
    MAX_RESULT: int = 1024 * 1024
    """Bytes of JSON that a result may have."""
    LIST_SIZE: int = 100
    """How many executions a message names at the most."""
    ASYNC_CONCURRENCY: int = 100
    """How many async executions of one message are in their bodies at once."""
    PUBLISH_TIMEOUT: float = 0.2
    """Seconds that a publish may wait for the broker."""
    REPUBLISH_AFTER: float = 10.0
    """Seconds after which an execution that nobody claimed is published again."""
    HEARTBEAT_LIMIT: float = 15.0
    """Seconds of silence after which a worker on another machine is taken for dead."""
    BEAT_LIMIT: float = 60.0
    """Seconds that beat's ring for a schedule may take to arrive before an alert says that beat is silent."""
    QUEUE_LIMIT: float = 600.0
    """Seconds that work may wait in a queue before an alert says so; 0 is for ever."""
    ALERTS: Sequence[Mapping[str, Any]] = ()
    """Whom alerts are sent to: a list of channels, as `deferapp.alerts.channels.configured` reads them."""
    ENVIRONMENT: str = ""
    """What alerts call this installation: "production", "staging"."""
    SITE_URL: str = ""
    """Where Django admin is reached, as in "https://shop.example": messages then have links."""

    OBSERVE_CELERY_TASKS: bool | Sequence[str] = False
    """Which of the project's own Celery tasks are shown: True for all, or names, with * and ? for any letters."""
    METRICS_TOKEN: str = ""
    """What Prometheus has to show `deferapp.watching.prometheus.metrics`; without it only people see that page."""


KEYS: Final = tuple(field.name for field in fields(Settings))
NUMBERS: Final = tuple(field.name for field in fields(Settings) if field.type in ("int", "float"))


def declared() -> Mapping[str, Any]:
    """`settings.DEFER` as the project wrote it; empty when it wrote none."""
    value = getattr(django_settings, "DEFER", {})
    return value if isinstance(value, Mapping) else {}


def current() -> Settings:
    """The settings as they are now: the same object for as long as each is the same."""
    global _latest
    said, (known, settings) = declared(), _latest
    if len(said) != len(known) or any(said.get(key, known) is not value for key, value in known.items()):
        settings = Settings(**{key: value for key, value in said.items() if key in KEYS})
        _latest = dict(said), settings
    return settings


_latest: tuple[Mapping[str, Any], Settings] = {}, Settings()


def republish_after() -> timedelta:
    return timedelta(seconds=current().REPUBLISH_AFTER)
