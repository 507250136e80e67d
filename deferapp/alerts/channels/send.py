"""Sending a message to a channel, which may take some seconds and never raises."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from deferapp.alerts.channels import call, mail, slack
from deferapp.alerts.channels.answer import Answer
from deferapp.alerts.channels.channel import Channel
from deferapp.alerts.message import Message
from deferapp.redact import redact_text

logger = logging.getLogger("deferapp.alerts")

_SENDERS: Final[dict[str, Callable[[Channel, Message, str], Answer]]] = {
    "slack": slack.send,
    "email": mail.send,
    "call": call.send,
}
LONGEST_ERROR: Final = 500


def send(channel: Channel, message: Message, thread: str = "") -> Answer:
    """`thread` is the reference of the incident's first message, where the channel knows such things."""
    try:
        return _SENDERS[channel.kind](channel, message, thread)
    except Exception as error:
        logger.warning("An alert could not be sent to %s", channel.name, exc_info=True)
        return Answer(error=redact_text(f"{type(error).__name__}: {error}")[:LONGEST_ERROR])
