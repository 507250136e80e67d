"""Tests without a broker: what is enqueued stays in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock
from uuid import UUID

from deferapp.dispatch import publish


@contextmanager
def no_broker() -> Iterator[None]:
    """Let nothing that is enqueued try to reach a broker, whatever the settings say, until the block ends.

    Also a decorator of tests. With `CELERY_BROKER_URL = "memory://"` in the settings of the tests it is not needed.
    """
    with mock.patch.object(publish, "now", _as_if_sent), mock.patch.object(publish, "_publish_or_leave", _leave):
        yield


def _as_if_sent(_function: str, ids: Sequence[UUID], *, alone: bool = False, priority: int = 0) -> int:  # noqa: ARG001
    return len(ids)


def _leave(_function: str, _ids: list[UUID], _priority: int) -> None:
    """Nor is anybody told who looks for workers."""
