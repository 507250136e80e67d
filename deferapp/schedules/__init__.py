"""Schedules: what the code declares, what people override, the rows that beat reads, and the tick that fires."""

from typing import Final

TICK: Final = "deferapp.tick"
"""The Celery task that beat rings."""
