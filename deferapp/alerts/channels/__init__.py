"""Whom alerts are sent to: Slack, mail, or a callable of the project, one file each."""

from deferapp.alerts.channels.answer import Answer
from deferapp.alerts.channels.channel import Channel, configured, read
from deferapp.alerts.channels.send import send

__all__ = ["Answer", "Channel", "configured", "read", "send"]
