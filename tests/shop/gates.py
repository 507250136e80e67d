"""Gates at which functions wait until a test opens them, and stay no longer than a minute."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from django.conf import settings

LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.02


def open_gate(name: str) -> None:
    _file(name).touch()


def is_open(name: str) -> bool:
    return _file(name).exists()


def wait(name: str) -> None:
    ends = time.monotonic() + LIMIT_SECONDS
    while not is_open(name) and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)


async def await_(name: str) -> None:
    ends = time.monotonic() + LIMIT_SECONDS
    while not is_open(name) and time.monotonic() < ends:  # noqa: ASYNC110 (another process opens it)
        await asyncio.sleep(POLL_SECONDS)


def _file(name: str) -> Path:
    return Path(f"{settings.WITNESS}.{name}")
