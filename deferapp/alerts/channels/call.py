"""A callable of the project. It has no time limit: one that hangs holds up the other channels, and nothing else."""

from __future__ import annotations

from django.utils.module_loading import import_string

from deferapp.alerts.channels.answer import Answer
from deferapp.alerts.channels.channel import Channel
from deferapp.alerts.message import Message


def send(channel: Channel, message: Message, _thread: str = "") -> Answer:
    """What it returns is not looked at; if it raises, it is called again later."""
    import_string(channel.target)(message)
    return Answer()
