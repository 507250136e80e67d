"""Celery tasks that know nothing of deferapp."""

from __future__ import annotations

import os
import signal

from celery import shared_task


@shared_task
def send(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return number


@shared_task
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
