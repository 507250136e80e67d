"""Trying the channels: one message to each, at once, in this process."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from deferapp import conf
from deferapp.alerts import channels
from deferapp.alerts.message import Message
from deferapp.clock import now

SENT: Final = "sent"


class Trial(NamedTuple):
    """What became of the message to a channel."""

    channel: str
    outcome: str
    """"sent", or what went wrong."""

    @property
    def is_sent(self) -> bool:
        return self.outcome == SENT


def notify_test() -> list[Trial]:
    """Send a test message to each channel of `DEFER["ALERTS"]`. Takes up to 5 seconds a channel.

    Raises `ValueError` if the setting cannot be read, which `manage.py check` explains.
    """
    message = _message()
    return [Trial(channel.name, channels.send(channel, message).error or SENT) for channel in channels.configured()]


def _message() -> Message:
    environment = conf.current().ENVIRONMENT
    return Message(
        kind="test",
        header=_("✓ A test of deferapp's alerts"),
        fields=((_("Environment"), environment), (_("Time"), now())) if environment else ((_("Time"), now()),),
        summary=_("Nothing is wrong. Somebody wanted to see whether alerts arrive here."),
    )
