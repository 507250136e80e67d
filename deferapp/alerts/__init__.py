"""Alerts: what a person should know, kept as rows, and told once when it begins and once when it is over.

What projects use stands here, and is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deferapp.alerts.message import Message as Message
    from deferapp.alerts.trial import notify_test as notify_test
    from deferapp.alerts.undeliverable import undelivered as undelivered

_HOMES = {
    "Message": "deferapp.alerts.message",
    "notify_test": "deferapp.alerts.trial",
    "undelivered": "deferapp.alerts.undeliverable",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
