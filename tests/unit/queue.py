"""The queue of Celery's broker in memory."""

from __future__ import annotations

from dataclasses import dataclass
from queue import Empty
from typing import Any
from uuid import UUID

from deferapp.dispatch import message
from deferapp.dispatch.broker import celery_app


@dataclass(frozen=True)
class Message:
    task: str
    args: list[Any]
    kwargs: dict[str, Any]

    @property
    def ids(self) -> list[UUID]:
        return message.parse(*self.args, **self.kwargs)


class MemoryQueue:
    """What waits in the queue `celery`, where Celery puts everything that is not routed elsewhere."""

    def __len__(self) -> int:
        with celery_app().connection_for_read("memory://") as connection:
            return connection.default_channel._size("celery")

    def put(self, count: int) -> None:
        """Leave messages of somebody else in the queue."""
        with celery_app().connection_for_read("memory://") as connection:
            for _ in range(count):
                connection.default_channel._put("celery", {})

    def take(self) -> list[Message]:
        """Empty the queue and return what was in it, the oldest first."""
        with celery_app().connection_for_read("memory://") as connection:
            channel = connection.default_channel
            taken = []
            try:
                while True:
                    taken.append(channel._get("celery"))
            except Empty:
                return [_read(channel, raw) for raw in taken if raw]


def _read(channel: Any, raw: dict[str, Any]) -> Message:
    received = channel.message_to_python(raw)
    args, kwargs, _embedded = received.decode()
    return Message(task=received.headers["task"], args=args, kwargs=kwargs)
