"""A callable of the project, in a thread of its own, so that one that hangs holds up nothing but its channel.

Honest limit: nobody can end a thread. One that hangs stays, and the callable is not called again before it has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from django.db import connections
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from deferapp.alerts.channels.answer import Answer
from deferapp.alerts.channels.channel import Channel
from deferapp.alerts.message import Message

PATIENCE: Final = 10.0
"""Seconds after which a message that is still being sent counts as not sent."""

_hanging: Final[dict[str, _Call]] = {}
"""By the name of the channel."""


class _Call(threading.Thread):
    def __init__(self, callable: Callable[[Message], Any], message: Message) -> None:
        super().__init__(name="deferapp-alert-call", daemon=True)
        self._callable = callable
        self._message = message
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._callable(self._message)
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()


def send(channel: Channel, message: Message, _thread: str = "") -> Answer:
    """What it returns is not looked at; if it raises, or does not return in time, it is called again later."""
    if channel.name in _hanging and _hanging[channel.name].is_alive():
        return Answer(error=_("An earlier call has not returned yet."))
    call = _hanging[channel.name] = _Call(import_string(channel.target), message)
    call.start()
    call.join(PATIENCE)
    if call.is_alive():
        return Answer(error=_("It has not returned after %(seconds)s s.") % {"seconds": f"{PATIENCE:g}"})
    if call.error is not None:
        raise call.error
    return Answer()
