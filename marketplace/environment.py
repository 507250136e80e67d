"""Reads the settings that differ between machines from environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def is_on(name: str, *, default: bool) -> bool:
    """A switch: 1, true, yes or on, in any case, is on; everything else is off."""
    value = os.environ.get(name)
    return default if value is None else value.strip().lower() in {"1", "true", "yes", "on"}


def names(name: str) -> list[str]:
    """A list, separated by commas."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def database(url: str, *, default: Path) -> dict[str, Any]:
    """The entry of DATABASES for `postgres://user:password@host:port/name?option=value` or `sqlite:///path`.

    Without a URL it is SQLite in the file `default`.
    """
    parts = urlsplit(url)
    if not url or parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path[1:]) or str(default))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL begins with postgres:// or sqlite://, not {parts.scheme}://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _sqlite(path: str) -> dict[str, Any]:
    """SQLite for several writers: a log beside the file, a lock from a transaction's beginning, and patience.

    64 MiB of cache a connection, used when needed, because loading in one transaction takes 2.5 times as long with
    SQLite's own 2 MiB.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA cache_size=-65536",
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
        },
    }


def broker(url: str) -> Mapping[str, Any]:
    """The broker's `CELERY_…` settings: Redis at `url`, or else memory, which serves one process only."""
    if url:
        return {"CELERY_BROKER_URL": url}
    return {"CELERY_BROKER_URL": "memory://", "CELERY_BROKER_TRANSPORT_OPTIONS": {"polling_interval": 0.01}}


def alerts() -> list[dict[str, Any]]:
    """The channels of alerts: Slack at `SLACK_WEBHOOK_URL`, mail to `ALERT_EMAILS`; none without them."""
    channels: list[dict[str, Any]] = []
    if url := os.environ.get("SLACK_WEBHOOK_URL"):
        channels.append({"slack": url})
    if addresses := names("ALERT_EMAILS"):
        channels.append({"email": addresses})
    return channels


def anymail() -> dict[str, str]:
    """The dict ANYMAIL from variables such as `ANYMAIL_MAILGUN_API_KEY` and `ANYMAIL_WEBHOOK_SECRET`."""
    prefix = "ANYMAIL_"
    return {key.removeprefix(prefix): value for key, value in os.environ.items() if key.startswith(prefix)}
