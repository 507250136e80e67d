"""The priority that one of Django's tasks is enqueued with: from -100 to 100, the higher the sooner, 0 without one.

It is kept in the metadata, and becomes that of the broker's message. Brokers have less to offer: RabbitMQ's begins at
0, the last, in queues that are declared with `x-max-priority`; in Redis 0 is the first, and kombu makes a list of each
of four steps. So each broker honours one half, and takes the other for 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from deferapp.models import Execution

KEY: Final = "task_priority"
MOST: Final = 100
"""Django's `TASK_MAX_PRIORITY`; the least is -100."""
STEPS: Final = 9
"""Celery's priorities of messages are 0 to 9."""
REDIS: Final = ("redis", "rediss", "sentinel")


def priority_of(execution: Execution) -> int:
    text = execution.metadata.get(KEY, "0")
    is_one = text.removeprefix("-").isdigit() and abs(int(text)) <= MOST
    return int(text) if is_one else 0


def of_message(priority: int, transport: Any) -> int:
    """As Celery wants it for this transport of kombu."""
    height = -priority if transport in REDIS else priority
    return math.ceil(max(0, height) * STEPS / MOST)
